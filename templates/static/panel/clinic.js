// The page of an import: look again while it is worked on; put a suggestion into its cell without a round trip.
(() => {
  const waiting = document.querySelector("[data-standing]");
  const look = async () => {
    try {
      const answer = await fetch(waiting.dataset.standing, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return location.reload();
      const { state, rows_read: rows } = await answer.json();
      if (state !== waiting.dataset.state) return location.reload();
      if (rows) waiting.querySelector("[data-rows-read]").textContent = rows;
      const bar = waiting.querySelector("progress");
      if (rows && bar.max > 1) bar.value = Math.min(rows, bar.max);
    } catch { /* the network is away: the next look tells */ }
    setTimeout(look, 1000);
  };
  if (waiting) setTimeout(look, 500);

  const form = document.querySelector("[data-clinic]");
  if (!form) return;
  form.querySelectorAll("[data-take]").forEach((button) => {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const cell = form.elements[button.dataset.take];
      cell.value = form.elements[button.dataset.take.replace("cell-", "better-")].value;
      cell.dispatchEvent(new Event("input", { bubbles: true }));
      cell.focus();
    });
  });
  form.addEventListener("input", (event) => {
    const was = form.elements[event.target.name.replace("cell-", "was-")];
    event.target.classList.toggle("is-changed", Boolean(was) && was.value !== event.target.value);
  });
})();
