// Small comforts; every page works without them.
(() => {
  "use strict";
  const on = (name, act) => document.addEventListener(name, act);
  const setMenu = (open) => {
    document.body.classList.toggle("menu-is-open", open);
    document.querySelectorAll("[data-menu]").forEach((b) => b.setAttribute("aria-expanded", String(open)));
  };

  on("click", (event) => {
    if (event.target.closest("[data-menu]")) setMenu(!document.body.classList.contains("menu-is-open"));
    else if (event.target.closest("[data-menu-close]")) setMenu(false);
    const who = document.querySelector(".who[open]");
    if (who && !who.contains(event.target)) who.open = false;
  });
  on("keydown", (event) => {
    if (event.key !== "Escape") return;
    setMenu(false);
    const who = document.querySelector(".who[open]");
    if (who) who.open = false;
  });

  // A form is sent once: the button rests until the next page is there, or the person comes back to this one.
  on("submit", (event) => {
    if (event.target.method !== "post" || event.defaultPrevented) return;
    setTimeout(() => event.target.querySelectorAll("button").forEach((b) => { b.disabled = true; }), 0);
  });
  window.addEventListener("pageshow", () => document.querySelectorAll("button[disabled]").forEach((b) => { b.disabled = false; }));

  const ticked = () => document.querySelectorAll('input[name="ids"]:checked').length;
  const recount = () => {
    const word = document.querySelector("[data-count]");
    if (!word) return;
    const count = ticked();
    const whole = document.querySelector("[data-everything]:checked") !== null;
    word.textContent = whole ? "已选全部" : count ? `已勾选 ${count}` : "未勾选";
    document.querySelectorAll("[data-batch] button").forEach((b) => { b.disabled = !count && !whole; });
  };
  on("change", (event) => {
    const box = event.target;
    if (box.matches("[data-all]")) {
      document.querySelectorAll('input[name="ids"], [data-all]').forEach((b) => { b.checked = box.checked; });
    }
    if (box.matches("[data-submit]")) box.form.submit();
    recount();
  });
  on("input", (event) => {
    if (!event.target.matches(".ticks-find")) return;
    const wanted = event.target.value.trim().toLowerCase();
    event.target.closest("[data-ticks]").querySelectorAll(".tick").forEach((line) => {
      line.hidden = wanted !== "" && !line.textContent.toLowerCase().includes(wanted);
    });
  });
  window.addEventListener("pageshow", recount);
  const tab = document.querySelector(".tab.is-open"); // on a phone the row of tabs is longer than the screen
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
})();
