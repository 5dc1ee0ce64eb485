// The steps of the ceremony: look, type the number, sign, confirm. The server checks all of it again.
"use strict";

const form = document.querySelector("form[data-steps]");
const steps = [...form.querySelectorAll("[data-step]")];
const marks = [...document.querySelectorAll("[data-mark]")];
const expected = form.dataset.count;
const note = (step, text) => { steps[step - 1].querySelector("[data-note]").textContent = text; };
let here = 0;

const pad = new Pad(form.querySelector("[data-pad]"), (drawn) => {
  form.querySelector("[data-hint]").hidden = drawn.strokes.length > 0;
  for (const name of ["undo", "clear"]) form.querySelector(`[data-${name}]`).disabled = !drawn.strokes.length;
  note(3, "");
});

const narrow = (text) => text.replace(/[０-９]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) - 0xfee0)).replace(/\s/g, "");
const fit = {
  1: () => "",
  2: () => (narrow(form.elements.count.value) === expected ? "" : `请输入页面上的数量 ${expected}。`),
  3: () => (pad.length > 0.35 ? "" : pad.strokes.length ? "签名笔迹太少，请完整书写姓名。" : "请在框内手写签名。"),
};

function go(step) {
  here = step;
  steps.forEach((part, index) => { part.hidden = index !== step - 1; });
  marks.forEach((mark, index) => {
    mark.classList.toggle("past", index < step - 1);
    mark.toggleAttribute("aria-current", index === step - 1);
  });
  if (step === 2) form.elements.count.focus({ preventScroll: true });
  if (step === 3) pad.fit();
  if (step === 4) {
    const seen = form.querySelector("[data-seen]");
    seen.width = pad.canvas.width;
    seen.height = pad.canvas.height;
    pad.redraw(seen);
    form.elements.signature.value = pad.picture();
    wake(steps[3]);
  }
  window.scrollTo({ top: 0 });
}

function next() {
  const wrong = fit[here]();
  note(here, wrong);
  if (!wrong) go(here + 1);
}

for (const button of form.querySelectorAll("[data-next]")) button.addEventListener("click", next);
for (const button of form.querySelectorAll("[data-back]")) button.addEventListener("click", () => go(here - 1));
form.querySelector("[data-undo]").addEventListener("click", () => pad.undo());
form.querySelector("[data-clear]").addEventListener("click", () => pad.clear());
form.addEventListener("submit", (event) => {
  if (here !== 4 || form.dataset.sent || form.querySelector("[data-wait]").disabled) {
    event.preventDefault(); // Enter in the number field, or a second tap
    if (here < 4) next();
    return;
  }
  form.dataset.sent = "yes";
  form.classList.add("sent");
});
go(Number(form.dataset.start));
