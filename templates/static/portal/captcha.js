// 看不清，换一张 without losing the place on the page; without scripts the button sends the form for another picture.
"use strict";

for (const box of document.querySelectorAll("[data-captcha]")) {
  box.querySelector("button").addEventListener("click", async (event) => {
    event.preventDefault();
    const answer = await fetch(box.dataset.captcha, { headers: { Accept: "application/json" } });
    if (!answer.ok) { box.closest("form").requestSubmit(event.target); return; }
    const { token, src } = await answer.json();
    box.querySelector("img").src = src;
    box.querySelector('input[type="hidden"]').value = token;
    const typed = box.querySelector('input[type="text"]');
    typed.value = "";
    typed.focus();
  });
}
