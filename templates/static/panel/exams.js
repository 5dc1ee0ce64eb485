// Sessions of a subject: add a line, drop a line. Without this script the page shows the lines it has.
(() => {
  "use strict";
  const renumber = (list) => {
    [...list.children].forEach((line, place) => {
      line.querySelectorAll("input").forEach((box) => {
        const end = box.name.slice(box.name.lastIndexOf("-"));
        box.name = box.id = `${list.dataset.name}-${place}${end}`;
      });
      const drop = line.querySelector("[data-drop]");
      drop.hidden = list.children.length < 2;
    });
  };
  const aDayLater = (text) => {
    const found = /^(\d{4})-(\d\d)-(\d\d)(T.*)$/.exec(text);
    if (!found) return "";
    const day = new Date(Date.UTC(+found[1], +found[2] - 1, +found[3] + 1));
    return day.toISOString().slice(0, 10) + found[4];
  };
  document.querySelectorAll("[data-sittings]").forEach((list) => {
    const add = list.parentElement.querySelector("[data-add]");
    add.hidden = false;
    renumber(list);
    add.addEventListener("click", () => {
      const line = list.lastElementChild.cloneNode(true);
      line.classList.remove("has-error");
      line.querySelectorAll(".field-error").forEach((words) => words.remove());
      line.querySelectorAll("input").forEach((box) => { box.value = aDayLater(box.value); });
      list.append(line);
      renumber(list);
      line.querySelector("input").focus();
    });
    list.addEventListener("click", (event) => {
      if (!event.target.closest("[data-drop]") || list.children.length < 2) return;
      event.target.closest("li").remove();
      renumber(list);
    });
  });
})();
