// The desk's side: asks every two seconds how far the phone has got.
"use strict";

const desk = document.querySelector("[data-desk]");

function show(state) {
  for (const part of desk.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(state);
  for (const mark of desk.querySelectorAll("[data-mark]")) mark.classList.toggle("past", mark.dataset.mark.split(" ").includes(state));
}

async function ask() {
  try {
    const answer = await fetch(desk.dataset.desk, { headers: { Accept: "application/json" } });
    const { state } = await answer.json();
    show(state);
    if (!["created", "scanned"].includes(state)) return;
  } catch { /* the line is down for a moment; the next question goes out all the same */ }
  setTimeout(ask, 2000);
}

show(desk.dataset.state);
setTimeout(ask, 2000);
document.addEventListener("time-over", ask);
