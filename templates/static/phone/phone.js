// What every signing page needs: Telegram's frame, the countdown, buttons that wait, forms that go out once.
"use strict";

const telegram = {
  data: new URLSearchParams(location.hash.slice(1)).get("tgWebAppData") || "",
  tell(type, data = {}) {
    if (window.TelegramWebviewProxy) window.TelegramWebviewProxy.postEvent(type, JSON.stringify(data));
    else if (window.parent !== window) window.parent.postMessage(JSON.stringify({ eventType: type, eventData: data }), "*");
  },
  get isAround() { return Boolean(window.TelegramWebviewProxy) || window.parent !== window; },
};

// -- in from the chat: hand Telegram's word to the server, or go on to the login
const entrance = document.querySelector("form[data-entrance]");
if (entrance) {
  if (telegram.data) {
    entrance.elements.init_data.value = telegram.data;
    history.replaceState(null, "", location.pathname + location.search);
    entrance.submit();
  } else {
    location.replace(entrance.dataset.entrance);
  }
}
document.querySelector("form[data-at-once]")?.submit();

telegram.tell("web_app_ready");
telegram.tell("web_app_expand");
for (const button of document.querySelectorAll("[data-close]")) {
  button.hidden = !telegram.isAround;
  button.addEventListener("click", () => telegram.tell("web_app_close"));
}

// -- how long is left; at zero the server says so in words
const clock = document.querySelector("[data-left]");
if (clock) {
  const end = performance.now() + Number(clock.dataset.left) * 1000;
  const show = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    clock.querySelector("b").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    clock.classList.toggle("short", left <= 60);
    if (left === 0) {
      clearInterval(ticking);
      if (clock.dataset.over) location.replace(clock.dataset.over);
      else document.dispatchEvent(new Event("time-over"));
    }
  };
  const ticking = setInterval(show, 500);
  show();
}

// -- a button that decides something wakes a moment after it is seen, so that a double tap does not reach it
function wake(part) {
  for (const button of part.querySelectorAll("[data-wait]")) {
    button.disabled = true;
    setTimeout(() => { button.disabled = false; }, Number(button.dataset.wait));
  }
}
if (!document.querySelector("[data-steps]")) wake(document);

// -- a form goes out once
for (const form of document.querySelectorAll("form:not([data-steps])")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    form.classList.add("sent");
  });
}
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
