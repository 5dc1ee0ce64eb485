// A small editor over a text field. The field stays the truth: without this file it is typed into directly, and what
// the editor makes is cleaned again on the server. Only the house's few tags are ever built here.
(() => {
  "use strict";
  const LONGEST = 4000;
  const OURS = { P: "p", DIV: "p", STRONG: "strong", B: "strong", EM: "em", I: "em", U: "u", UL: "ul", OL: "ol", LI: "li",
    H1: "h3", H2: "h3", H3: "h3", H4: "h4", BLOCKQUOTE: "blockquote", BR: "br" };
  const BLOCKS = new Set(["p", "ul", "ol", "h3", "h4", "blockquote"]);
  const PICTURE = /^\/admin\/files\/[1-9][0-9]*$/;
  const MARKUP = /<\/?(p|br|strong|em|u|ul|ol|li|h[1-4]|blockquote|img|b|i|div)\b[^<>]*>/i;
  const TOOLS = [
    ["bold", "加粗", "粗", "is-b"], ["italic", "斜体", "斜", "is-i"], ["underline", "下划线", "下划", "is-u"],
    ["insertUnorderedList", "项目列表", "• 列表", ""], ["insertOrderedList", "编号列表", "1. 列表", ""],
  ];

  // Copies what we know, keeps the text of what we do not.
  const fit = (source, target) => {
    source.childNodes.forEach((node) => {
      if (node.nodeType === Node.TEXT_NODE) target.append(node.textContent);
      else if (node.nodeName === "IMG") {
        const src = node.getAttribute("src") || "";
        if (PICTURE.test(src)) target.append(Object.assign(document.createElement("img"), { alt: "说明中的图片", src }));
      } else if (node.nodeType === Node.ELEMENT_NODE && !["SCRIPT", "STYLE", "TEMPLATE"].includes(node.nodeName)) {
        const name = OURS[node.nodeName];
        const holder = name ? document.createElement(name) : target;
        fit(node, holder);
        if (name) target.append(holder);
      }
    });
    return target;
  };
  const paragraphs = (text) => {
    const made = document.createElement("div");
    text.split(/\r?\n/).filter((line) => line.trim()).forEach((line) => {
      made.append(Object.assign(document.createElement("p"), { textContent: line.trim() }));
    });
    return made;
  };
  const parsed = (value) => (MARKUP.test(value)
    ? fit(new DOMParser().parseFromString(value, "text/html").body, document.createElement("div")) : paragraphs(value));
  // Every line in a block, so that the server never takes markup without tags for plain text.
  const written = (place) => {
    const made = fit(place, document.createElement("div"));
    let line = null;
    [...made.childNodes].forEach((node) => {
      if (node.nodeType === Node.ELEMENT_NODE && BLOCKS.has(node.localName)) { line = null; return; }
      if (!line) { line = document.createElement("p"); node.before(line); }
      line.append(node);
    });
    made.querySelectorAll("img").forEach((img) => img.removeAttribute("alt"));
    return made.textContent.trim() || made.querySelector("img") ? made.innerHTML : "";
  };

  const button = (word, label, look) => Object.assign(document.createElement("button"),
    { type: "button", textContent: word, title: label, className: look, ariaLabel: label });

  const set_up = (field, number) => {
    const box = Object.assign(document.createElement("div"), { className: "editor" });
    const bar = Object.assign(document.createElement("div"), { className: "editor-bar", role: "toolbar", ariaLabel: "排版" });
    const text = Object.assign(document.createElement("div"), { className: "editor-text", contentEditable: "true", role: "textbox", ariaMultiLine: "true" });
    const foot = Object.assign(document.createElement("div"), { className: "editor-foot" });
    const says = Object.assign(document.createElement("span"), { ariaLive: "polite" });
    const count = document.createElement("span");
    const label = document.querySelector(`label[for="${field.id}"]`);
    if (label) {
      label.id = label.id || `editor-label-${number}`;
      text.setAttribute("aria-labelledby", label.id);
      label.addEventListener("click", (event) => { event.preventDefault(); text.focus(); });
    }
    text.id = `${field.id}-editor`;
    const keep = () => {
      field.value = written(text);
      const length = text.innerText.trim().length;
      count.textContent = `${length} / ${LONGEST} 字`;
      count.className = length > LONGEST ? "is-bad" : "";
    };
    const changed = () => { keep(); field.dispatchEvent(new Event("input", { bubbles: true })); };
    const tools = TOOLS.map(([command, title, word, look]) => {
      const tool = button(word, title, look);
      tool.addEventListener("mousedown", (event) => event.preventDefault());
      tool.addEventListener("click", () => { text.focus(); document.execCommand(command); mark(); changed(); });
      tool.setAttribute("aria-pressed", "false");
      bar.append(tool);
      return [command, tool];
    });
    const mark = () => tools.forEach(([command, tool]) => tool.setAttribute("aria-pressed", String(document.queryCommandState(command))));

    const send = async (file) => {
      const form = new FormData();
      form.append("picture", file);
      form.append("csrf_token", field.form.elements.csrf_token.value);
      says.textContent = "正在上传图片……";
      says.className = "";
      try {
        const answer = await fetch(field.dataset.picture, { method: "POST", body: form, headers: { Accept: "application/json" } });
        const said = (answer.headers.get("Content-Type") || "").includes("json") ? await answer.json() : {};
        if (!said.src) throw new Error(said.problem || "图片没有上传成功，请重新登录或稍后再试。");
        text.focus();
        if (!document.execCommand("insertHTML", false, `<img src="${said.src}" alt="说明中的图片">`)) {
          text.append(Object.assign(document.createElement("img"), { src: said.src, alt: "说明中的图片" }));
        }
        says.textContent = "图片已插入。";
        changed();
      } catch (problem) {
        says.textContent = problem.message;
        says.className = "is-bad";
      }
    };
    if (field.dataset.picture) {
      const pick = Object.assign(document.createElement("input"), { type: "file", accept: ".png,.jpg,.jpeg", hidden: true });
      const tool = button("图片", "插入图片（png、jpg）", "");
      tool.addEventListener("click", () => pick.click());
      pick.addEventListener("change", () => { if (pick.files[0]) send(pick.files[0]); pick.value = ""; });
      bar.append(tool, pick);
    }

    const show = () => { text.replaceChildren(...parsed(field.value).childNodes); keep(); };
    text.addEventListener("input", changed);
    text.addEventListener("keyup", mark);
    text.addEventListener("mouseup", mark);
    text.addEventListener("drop", (event) => event.preventDefault());
    text.addEventListener("paste", (event) => {
      event.preventDefault();
      const picture = [...event.clipboardData.files].find((file) => /^image\/(png|jpeg)$/.test(file.type));
      if (picture && field.dataset.picture) { send(picture); return; }
      const html = event.clipboardData.getData("text/html");
      const made = html ? parsed(`<p></p>${html}`) : paragraphs(event.clipboardData.getData("text/plain"));
      const lines = made.querySelectorAll("p, li, h3, h4, blockquote, img, br").length;
      if (lines > 1 || html) document.execCommand("insertHTML", false, made.innerHTML.replace(/^<p><\/p>/, ""));
      else document.execCommand("insertText", false, made.textContent);
      changed();
    });
    field.addEventListener("kaowu:set", show);
    field.hidden = true;
    foot.append(says, count);
    box.append(bar, text, foot);
    field.after(box);
    try { document.execCommand("defaultParagraphSeparator", false, "p"); document.execCommand("styleWithCSS", false, false); } catch { /* old browsers make <div>, which is mended above */ }
    show();
  };

  document.querySelectorAll("textarea[data-editor]").forEach(set_up);
})();
