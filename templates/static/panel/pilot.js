// Comforts of a pilot application: sums that add up while typing, text that survives a crash, paper.
(() => {
  "use strict";
  document.querySelectorAll("[data-print]").forEach((b) => { b.hidden = false; b.addEventListener("click", () => window.print()); });

  // ---- sums: the lines of a table against the total they belong to
  document.querySelectorAll("[data-sum]").forEach((box) => {
    const form = box.closest("form");
    const total = form && form.elements[box.dataset.sum];
    const says = box.querySelector("[data-sum-says]");
    const parts = [...box.querySelectorAll("[data-part]")];
    if (!total || !says || !parts.length) return;
    const add = () => {
      const filled = parts.filter((part) => part.value.trim() !== "");
      const sum = filled.reduce((all, part) => all + (Number(part.value) || 0), 0);
      const whole = Number(total.value) || 0;
      const off = whole - sum;
      says.className = "sum" + (!filled.length ? "" : off === 0 ? " is-even" : " is-uneven");
      says.textContent = !filled.length ? "没有按专业填写人数。"
        : `各专业合计 ${sum} 人，总人数 ${whole} 人，${off === 0 ? "相符。" : off > 0 ? `还差 ${off} 人。` : `多出 ${-off} 人。`}`;
    };
    form.addEventListener("input", add);
    add();
  });

  // ---- drafts: what was typed stays in this browser until it has been saved
  const PREFIX = "kaowu:draft:";
  const store = {
    read(key) { try { return JSON.parse(localStorage.getItem(PREFIX + key)); } catch { return null; } },
    write(key, draft) { try { localStorage.setItem(PREFIX + key, JSON.stringify(draft)); return true; } catch { return false; } },
    drop(key) { try { localStorage.removeItem(PREFIX + key); } catch { /* nothing was kept */ } },
  };
  document.querySelectorAll("[data-forget]").forEach((mark) => store.drop(mark.dataset.forget));

  document.querySelectorAll("form[data-draft]").forEach((form) => {
    const key = form.dataset.draft;
    const fields = () => [...form.elements].filter((f) => f.name && !["hidden", "file", "checkbox", "submit", "button"].includes(f.type));
    const typed = () => Object.fromEntries(fields().map((f) => [f.name, f.value]));
    const says = form.querySelector("[data-draft-says]");
    const offer = document.querySelector("[data-draft-offer]");
    const kept = store.read(key);
    const now = typed();
    const numbers = new Set(fields().filter((f) => f.type === "number").map((f) => f.name));
    const same = (name, value) => now[name] === value || (numbers.has(name) && Number(now[name]) === Number(value));
    const differs = kept && Object.entries(kept.fields).some(([name, value]) => name in now && !same(name, value));
    const was_saved = kept && kept.sent && kept.version !== form.elements.row_version.value;
    if (kept && (!differs || was_saved)) store.drop(key);
    else if (kept && offer) {
      offer.querySelector("[data-draft-at]").textContent = new Date(kept.at).toLocaleString("zh-CN", { month: "long", day: "numeric", hour: "2-digit", minute: "2-digit" });
      offer.hidden = false;
      offer.querySelector("[data-draft-take]").addEventListener("click", () => {
        fields().forEach((f) => {
          if (!(f.name in kept.fields)) return;
          f.value = kept.fields[f.name];
          f.dispatchEvent(new Event("kaowu:set"));
        });
        form.dispatchEvent(new Event("input"));
        offer.hidden = true;
      });
      offer.querySelector("[data-draft-drop]").addEventListener("click", () => { store.drop(key); offer.hidden = true; });
    }
    let timer = 0;
    const keep = (sent) => {
      const draft = { at: Date.now(), version: form.elements.row_version.value, sent, fields: typed() };
      const is_kept = store.write(key, draft);
      if (says) says.textContent = is_kept ? "已在这台电脑上暂存，还没有保存到系统。" : "";
    };
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(keep, 400, false); });
    form.addEventListener("submit", () => { clearTimeout(timer); keep(true); });
  });
})();
