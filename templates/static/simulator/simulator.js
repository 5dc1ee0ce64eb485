// The phones of the simulator. One short poll feeds all of them; everything shown is built from text nodes.
"use strict";

const ROOT = document.body.dataset.root;
const MODE_WORDS = {
  normal: "消息即发即到。",
  slow: "每次调用多等 2 秒，看机器人如何先应答、后办理。",
  failing: "机器人的调用全部失败（502）。恢复“正常”后，积压的消息应自动补发，一条不少。",
  rate_limited: "每 3 秒只放行一条，其余被告知稍后再试（429）。",
  losing_answers: "消息已送达，但机器人收不到回执。",
};
const QUICK = 220, CALM = 800, IDLE = 2500, PRESS_PATIENCE = 15000;

const byRole = (node, role) => node.querySelector(`[data-role="${role}"]`);

function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "data") Object.assign(node.dataset, value);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

const hue = (id) => `h${Math.abs(id) % 7}`;
const initial = (name) => (/^[\u4e00-\u9fff]{2,}$/.test(name) ? name.slice(-2) : name.slice(0, 2));

// ---- talking to the simulator ------------------------------------------------------------------------------------

let quickUntil = 0;

async function post(verb, body) {
  quickUntil = Date.now() + 4000;
  const form = body instanceof FormData;
  const response = await fetch(ROOT + verb, {
    method: "POST",
    headers: { "X-Simulator": "1", ...(form ? {} : { "Content-Type": "application/json" }) },
    body: form ? body : JSON.stringify(body),
  });
  const said = await response.json().catch(() => ({ ok: false, message: "模拟器没有应答，请刷新页面。" }));
  if (!said.ok) throw new Error(said.message);
  if (verb !== "read") refresh();
  return said;
}

// ---- texts -------------------------------------------------------------------------------------------------------

const WRAPPERS = {
  bold: () => make("b"), italic: () => make("i"), underline: () => make("u"), strikethrough: () => make("s"),
  code: () => make("code"), pre: () => make("pre"), blockquote: () => make("blockquote"),
  expandable_blockquote: () => make("blockquote"),
  spoiler: () => make("span", { class: "spoiler", tabindex: "0" }),
};

function words(text, entities, phone) {
  const wrap = (entity) => {
    const piece = text.substr(entity.offset, entity.length);
    if (entity.type === "url" || entity.type === "text_link") return link(entity.url || piece, phone);
    if (entity.type === "bot_command") {
      return make("span", { class: "command", role: "button", tabindex: "0", onclick: () => phone.say(piece) });
    }
    return (WRAPPERS[entity.type] || (() => make("span")))();
  };
  const build = (from, to, inner) => {
    const nodes = [];
    let at = from;
    for (let i = 0; i < inner.length; i++) {
      const entity = inner[i];
      if (entity.offset < at) continue;
      const end = Math.min(entity.offset + entity.length, to);
      if (entity.offset > at) nodes.push(text.slice(at, entity.offset));
      const node = wrap(entity);
      const nested = inner.slice(i + 1).filter((e) => e.offset >= entity.offset && e.offset + e.length <= end);
      node.append(...build(entity.offset, end, nested));
      nodes.push(node);
      at = end;
    }
    if (at < to) nodes.push(text.slice(at, to));
    return nodes;
  };
  return make("span", { class: "words" }, ...build(0, text.length, entities));
}

function deepLink(url) {
  const found = /^(?:https?:\/\/t\.me\/|tg:\/\/resolve\?domain=)(\w+)(?:[?&]start=([\w-]{1,64}))?$/.exec(url);
  return found && found[1] === world.bot.username ? { code: found[2] || "" } : null;
}

function link(url, phone) {
  const safe = /^https?:\/\//i.test(url) || url.startsWith("tg://");
  return make("a", {
    href: safe ? url : undefined, target: "_blank", rel: "noopener noreferrer",
    onclick: (event) => { if (phone.follows(url)) event.preventDefault(); },
  });
}

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1048576).toFixed(1)} MB`;
}

// ---- a phone -----------------------------------------------------------------------------------------------------

class Phone {
  constructor(chat) {
    this.node = document.getElementById("phone").content.firstElementChild.cloneNode(true);
    this.shown = new Map();
    this.waiting = new Map();
    this.drafts = new Map();
    this.role = Object.fromEntries([...this.node.querySelectorAll("[data-role]")].map((n) => [n.dataset.role, n]));
    this.wire();
    this.turnTo(chat);
  }

  get info() { return world.chats.find((c) => c.id === this.chat); }
  get conversation() { return world.open[this.chat]; }

  turnTo(chat) {
    if (this.chat !== undefined) this.drafts.set(this.chat, this.role.text.value);
    this.chat = chat;
    this.person = chat;
    this.startCode = undefined;
    this.node.dataset.persona = chat;
    this.shown.clear();
    this.role.messages.replaceChildren();
    this.role.text.value = this.drafts.get(chat) || "";
    this.quote(null);
    this.closeSheet();
    this.closePage();
    this.fresh = true;
    this.grow();
    this.render();
  }

  wire() {
    const r = this.role;
    this.node.addEventListener("pointerdown", () => bringToFront(this));
    r.composer.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    r.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.send(); }
    });
    r.text.addEventListener("input", () => this.grow());
    r.attach.addEventListener("click", () => r.file.click());
    r.file.addEventListener("change", () => this.upload(r.file.files[0]));
    r.device = this.node.querySelector(".device");
    r.device.addEventListener("dragover", (event) => event.preventDefault());
    r.device.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) this.upload(event.dataTransfer.files[0]);
    });
    r.menu.addEventListener("click", () => this.openMenu());
    r.more.addEventListener("click", () => this.openMore());
    r.start.addEventListener("click", () => this.start());
    r.unquote.addEventListener("click", () => this.quote(null));
    r.back.addEventListener("click", () => document.body.classList.remove("chatting"));
    r["close-phone"].addEventListener("click", () => closePhone(this));
    r["webapp-close"].addEventListener("click", () => this.leavePage());
    r.as.addEventListener("change", () => { this.person = Number(r.as.value); this.render(true); });
    r.messages.addEventListener("scroll", () => this.seen());
    this.node.addEventListener("click", (event) => {
      const opener = ".sheet, [data-role=menu], [data-role=more], .act";
      if (!event.composedPath().some((node) => node.matches?.(opener))) this.closeSheet();
    });
    this.node.addEventListener("keydown", (event) => { if (event.key === "Escape") this.closeSheet(); });
  }

  attempt(promise) { return promise.catch((refused) => { this.toast(refused.message); return null; }); }

  // -- doing

  async send() {
    const text = this.role.text.value.trim();
    if (!text) return;
    this.role.text.value = "";
    this.grow();
    if (!await this.say(text, this.quoted)) this.role.text.value = text;
    else this.quote(null);
    this.grow();
  }

  say(text, replyTo = null) {
    this.stick = true;
    return this.attempt(post("send", { chat: this.chat, person: this.person, text, reply_to: replyTo }));
  }

  async start() {
    const code = this.startCode;
    if (this.info.blocked) await this.attempt(post("block", { person: this.chat, blocked: false }));
    if (await this.say(code ? `/start ${code}` : "/start")) {
      this.startCode = undefined;
      rememberAddress();
      this.render();
    }
  }

  async upload(file) {
    this.role.file.value = "";
    if (!file) return;
    const form = new FormData();
    form.append("chat", this.chat);
    form.append("person", this.person);
    form.append("file", file, file.name);
    this.stick = true;
    await this.attempt(post("upload", form));
  }

  async press(message, key, node) {
    if (key.copy_text) {
      await navigator.clipboard?.writeText(key.copy_text.text).catch(() => null);
      this.toast("已复制");
    } else if (key.url) {
      if (!this.follows(key.url)) window.open(key.url, "_blank", "noopener");
    } else if (key.web_app) {
      this.openPage(key.web_app.url);
    } else {
      node.classList.add("waiting");
      const pressed = await this.attempt(
        post("press", { chat: this.chat, message, person: this.person, data: key.callback_data }));
      if (!pressed) { node.classList.remove("waiting"); return; }
      this.waiting.set(pressed.press, { until: Date.now() + PRESS_PATIENCE, message, data: key.callback_data });
      this.settle();
    }
  }

  settle() {
    for (const [id, press] of this.waiting) {
      const known = world.presses.find((p) => p.id === id);
      if (!known?.answer && Date.now() < press.until) continue;
      this.waiting.delete(id);
      if (known?.answer?.url) this.follows(known.answer.url);
      if (known?.answer?.text) {
        if (known.answer.show_alert) this.ask({ text: known.answer.text, yes: "知道了" });
        else this.toast(known.answer.text);
      } else if (!known?.answer) this.toast("机器人没有应答，请稍后再按一次。");
    }
    for (const node of this.role.messages.querySelectorAll(".key.waiting")) {
      const still = [...this.waiting.values()].some(
        (p) => String(p.message) === node.dataset.message && p.data === node.dataset.data);
      node.classList.toggle("waiting", still);
    }
  }

  follows(url) {
    const deep = deepLink(url);
    if (!deep) return false;
    this.startCode = deep.code;
    this.render();
    return true;
  }

  // -- menus

  sheet(kind, ...nodes) {
    this.role.sheet.className = `sheet ${kind}`;
    this.role.sheet.replaceChildren(...nodes);
    this.role.sheet.hidden = false;
    this.role.sheet.querySelector("button:not(:disabled)")?.focus({ preventScroll: true });
  }

  closeSheet() { this.role.sheet.hidden = true; }

  choice(label, act, props = {}) {
    return make("button", { type: "button", role: "menuitem", ...props, onclick: () => { this.closeSheet(); act(); } },
      ...[].concat(label));
  }

  openMenu() {
    if (!this.role.sheet.hidden) { this.closeSheet(); return; }
    const talk = this.conversation;
    if (talk.menu) { this.openPage(talk.menu.url); return; }
    const items = talk.commands.map((c) => this.choice(
      [make("b", {}, `/${c.command}`), make("span", {}, c.description)], () => this.say(`/${c.command}`)));
    this.sheet("commands", ...(items.length ? items : [make("p", {}, "机器人还没有登记命令。")]));
  }

  openMore() {
    if (!this.role.sheet.hidden) { this.closeSheet(); return; }
    const items = [this.choice("命令菜单", () => this.openMenu(), { disabled: !this.conversation.commands.length })];
    if (!this.info.group) {
      items.push(this.info.blocked
        ? this.choice("重新启用机器人", () => this.attempt(post("block", { person: this.chat, blocked: false })))
        : this.choice("停用机器人", () => this.attempt(post("block", { person: this.chat, blocked: true })),
          { class: "red" }));
      items.push(make("p", {}, `Telegram 编号 ${this.chat}`));
    }
    this.sheet("top", ...items);
  }

  openActions(message) {
    const forward = message.protected
      ? this.choice("转发（此消息受保护，不能转发）", () => null, { disabled: true })
      : this.choice("转发给…", () => this.openForward(message));
    const items = [this.choice("回复", () => this.quote(message)), forward];
    if (!message.protected && message.text) {
      items.push(this.choice("复制文字", async () => {
        await navigator.clipboard?.writeText(message.text).catch(() => null);
        this.toast("已复制");
      }));
    }
    this.sheet("middle", ...items);
  }

  openForward(message) {
    const targets = world.chats.filter((c) => c.id !== this.chat && !c.deactivated);
    this.sheet("middle", make("p", {}, "转发给"), ...targets.map((c) => this.choice(
      [make("b", {}, c.name), make("span", {}, c.title)],
      async () => {
        const done = await this.attempt(
          post("forward", { chat: this.chat, message: message.id, to: c.id, person: this.person }));
        if (done) this.toast(`已转发给 ${c.name}`);
      })));
  }

  quote(message) {
    this.quoted = message ? message.id : null;
    this.role.quote.hidden = !message;
    if (!message) return;
    this.role["quote-name"].textContent = `回复 ${message.name}`;
    this.role["quote-text"].textContent = message.text || message.file?.name || "图片";
    this.role.text.focus();
  }

  toast(text) {
    clearTimeout(this.toastTimer);
    this.role.toast.textContent = text;
    this.role.toast.hidden = false;
    this.toastTimer = setTimeout(() => { this.role.toast.hidden = true; }, Math.max(3200, text.length * 110));
  }

  ask(question) { return ask(this.role.veil, this.role.card, question); }

  // -- pages

  async openPage(url) {
    const signed = await this.attempt(post("webapp", { chat: this.chat, url, person: this.person }));
    if (!signed) return;
    this.pageOrigin = new URL(signed.url).origin;
    this.confirmClosing = false;
    const frame = make("iframe", {
      src: signed.url, title: "网页应用", data: { role: "webapp-frame" } });
    this.pageFrame = frame;
    this.role["webapp-title"].textContent = world.bot.name;
    this.role["webapp-loading"].hidden = false;
    frame.addEventListener("load", () => { this.role["webapp-loading"].hidden = true; });
    this.role.frame.replaceChildren(frame);
    this.role.webapp.hidden = false;
  }

  closePage() {
    this.role.webapp.hidden = true;
    this.role.frame.replaceChildren();
    this.pageFrame = null;
  }

  async leavePage() {
    if (this.confirmClosing && !await this.ask({ text: "页面上的内容还没有保存，确定离开吗？", yes: "离开", no: "留下" })) return;
    this.closePage();
  }

  hear(type, data) {
    const tell = (eventType, eventData) => this.pageFrame?.contentWindow.postMessage(
      JSON.stringify({ eventType, eventData }), this.pageOrigin);
    if (type === "web_app_close") { this.closePage(); refresh(); }
    if (type === "web_app_ready") this.role["webapp-loading"].hidden = true;
    if (type === "web_app_setup_closing_behavior") this.confirmClosing = Boolean(data?.need_confirmation);
    if (type === "web_app_open_link" && /^https?:\/\//i.test(data?.url || "")) window.open(data.url, "_blank", "noopener");
    if (type === "web_app_open_tg_link" && this.follows(`https://t.me${data?.path_full || ""}`)) this.closePage();
    if (type === "web_app_request_viewport") {
      tell("viewport_changed", { width: this.pageFrame.clientWidth, height: this.pageFrame.clientHeight,
        is_state_stable: true, is_expanded: true });
    }
  }

  // -- showing

  grow() {
    const box = this.role.text;
    box.style.height = "";
    if (box.value) box.style.height = `${Math.min(box.scrollHeight, 112)}px`;
  }

  render(all = false) {
    const info = this.info, talk = this.conversation, r = this.role;
    if (!info || !talk) return;
    if (all) { this.shown.clear(); r.messages.replaceChildren(); }
    this.renderHead(info, talk);
    this.renderMessages(talk.messages, info);
    this.renderFoot(info, talk);
    this.settle();
    this.seen();
  }

  renderHead(info, talk) {
    const r = this.role;
    r["owner-name"].textContent = info.group ? info.name : `${info.name}的手机`;
    r["owner-title"].textContent = info.title;
    r.clock.textContent = world.clock;
    r["head-avatar"].className = info.group ? `avatar ${hue(this.chat)}` : "avatar bot";
    byRole(this.node, "head-avatar").querySelector("use").setAttribute("href", info.group ? "#i-group" : "#i-bot");
    r.title.textContent = info.group ? info.name : world.bot.name;
    const typing = talk.typing > 0;
    r.subtitle.textContent = typing ? "正在输入…" : info.group ? info.title : world.listening ? "机器人" : "机器人没有在运行";
    r.subtitle.classList.toggle("busy", typing);
    r.as.hidden = !info.group;
    if (info.group) {
      if (!info.members.includes(this.person)) this.person = info.members[0];
      const wanted = info.members.map((id) => world.chats.find((c) => c.id === id)).filter(Boolean);
      r.as.replaceChildren(...wanted.map((c) => make("option", { value: c.id }, c.name)));
      r.as.value = this.person;
    }
    r.banner.hidden = world.mode === "normal";
    r.banner.textContent = { slow: "Telegram 缓慢", failing: "Telegram 故障，机器人暂时收发不了消息",
      rate_limited: "Telegram 限流", losing_answers: "Telegram 丢失回执" }[world.mode] || "";
  }

  renderMessages(messages, info) {
    const box = this.role.messages;
    const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
    const wanted = [];
    let day = "", arrived = false;
    for (const message of messages) {
      if (message.day !== day) wanted.push(this.piece(`day ${message.day}`, message.day, () => make("div", { class: "day" }, message.day)));
      day = message.day;
      wanted.push(this.piece(message.id, JSON.stringify(message), (again) => {
        arrived = arrived || !again;
        return this.message(message, info, !again && !this.fresh);
      }));
    }
    if (!messages.length) {
      const commands = info.started === false ? [] : this.conversation.commands.slice(0, 4);
      wanted.push(this.piece("nothing", JSON.stringify([info.started, commands]), () => make("div", { class: "nothing" },
        make("b", {}, info.started === false ? "还没有开始对话" : "还没有消息"),
        info.started === false ? `点下方“开始”，机器人才能给${info.name}发消息。` : "发消息、选命令，和在手机上一样。",
        commands.length ? make("div", { class: "keys" }, ...commands.map((c) => make("div", {}, make("button", {
          type: "button", class: "key", onclick: () => this.say(`/${c.command}`) }, c.description)))) : null)));
    }
    const keep = new Set(wanted);
    for (const [key, piece] of this.shown) if (!keep.has(piece.node)) { piece.node.remove(); this.shown.delete(key); }
    wanted.forEach((node, index) => { if (box.children[index] !== node) box.insertBefore(node, box.children[index] || null); });
    if (this.fresh || this.stick || (arrived && atEnd) || atEnd) box.scrollTop = box.scrollHeight;
    if (arrived) this.stick = false;
    this.fresh = false;
  }

  piece(key, state, build) {
    const known = this.shown.get(key);
    if (known && known.state === state) return known.node;
    const node = build(Boolean(known));
    if (known) known.node.replaceWith(node);
    this.shown.set(key, { state, node });
    return node;
  }

  message(m, info, isNew) {
    const mine = m.by === this.person;
    const bubble = make("div", { class: "bubble" });
    if (info.group && !mine && !m.service) bubble.append(make("span", { class: "from" }, m.name));
    if (m.forwarded) bubble.append(make("span", { class: "forwarded" }, mine ? `转发自 ${m.forwarded}` : `${m.name} 转发自 ${m.forwarded}`));
    if (m.reply) {
      bubble.append(make("button", { type: "button", class: "reply", onclick: () => this.show(m.reply.id) },
        make("b", {}, m.reply.name), make("span", {}, m.reply.text)));
    }
    if (m.photo) {
      bubble.append(make("a", { href: `${ROOT}file/${m.photo.id}`, target: "_blank" }, make("img", {
        class: "picture", src: `${ROOT}file/${m.photo.id}`, width: m.photo.width, height: m.photo.height, alt: "图片" })));
    }
    if (m.file) {
      bubble.append(make("a", { class: "file", href: `${ROOT}file/${m.file.id}`, download: m.file.name },
        make("i", {}, icon("file")), make("div", {}, make("b", {}, m.file.name), make("span", {}, size(m.file.size)))));
    }
    if (m.text) bubble.append(words(m.text, m.entities, this));
    bubble.append(make("span", { class: "meta" }, m.silent ? icon("mute") : null, m.protected ? icon("lock") : null,
      m.edited ? "已编辑 " : null, m.time));
    const node = make("div", {
      class: ["message", mine && "mine", m.service && "service", isNew && "new", m.keys.length && "has-keys"].filter(Boolean).join(" "),
      data: { id: m.id },
    }, bubble, make("button", { type: "button", class: "icon act", title: "回复、转发", "aria-label": "回复、转发",
      onclick: () => this.openActions(m) }, icon("more")));
    if (m.keys.length) {
      node.append(make("div", { class: "keys" }, ...m.keys.map((row) => make("div", {}, ...row.map((key) => this.key(m, key))))));
    }
    return node;
  }

  key(m, key) {
    const mark = key.url ? (deepLink(key.url) ? null : "out") : key.web_app ? "page" : key.copy_text ? "copy" : null;
    const node = make("button", { type: "button", class: `key ${key.style || ""}`.trim(),
      data: { message: m.id, data: key.callback_data || "" }, onclick: () => this.press(m.id, key, node) },
    key.text, mark && icon(mark));
    return node;
  }

  show(id) {
    const node = this.role.messages.querySelector(`[data-id="${id}"]`);
    if (!node) return;
    node.scrollIntoView({ block: "center", behavior: "smooth" });
    node.classList.remove("lit");
    requestAnimationFrame(() => node.classList.add("lit"));
  }

  renderFoot(info, talk) {
    const r = this.role;
    const mustStart = !info.group && (info.started === false || info.blocked || this.startCode !== undefined);
    r.start.hidden = !mustStart || info.deactivated;
    r.start.textContent = info.blocked ? "重新启用" : this.startCode ? `开始（${this.startCode}）` : "开始";
    r.composer.hidden = mustStart || info.deactivated;
    r.menu.hidden = !talk.menu && !talk.commands.length;
    r["menu-text"].textContent = talk.menu ? talk.menu.text : "菜单";
    const state = JSON.stringify(talk.keyboard);
    if (r["reply-keys"].dataset.state !== state) {
      r["reply-keys"].dataset.state = state;
      r["reply-keys"].replaceChildren(...(talk.keyboard?.keyboard || []).map((row) => make("div", {},
        ...row.map((key) => make("button", { type: "button", onclick: () => this.say(key.text) }, key.text)))));
    }
    r["reply-keys"].hidden = !talk.keyboard || mustStart;
  }

  seen() {
    const visible = document.visibilityState === "visible" && (!phonesAreNarrow() || document.body.classList.contains("chatting"));
    if (!visible || !this.info?.unread || this.role.messages.clientHeight === 0) return;
    const upTo = this.conversation?.last_id || 0;
    if (this.reported === `${this.chat}:${upTo}`) return;
    this.reported = `${this.chat}:${upTo}`;
    post("read", { chat: this.chat, up_to: upTo }).catch(() => { this.reported = ""; });
  }
}

function ask(veil, card, { title, text, yes = "好", no, input, red }) {
  return new Promise((resolve) => {
    const done = (value) => { veil.hidden = true; resolve(value); };
    const box = input === undefined ? null : make("input", { maxlength: "32", placeholder: input, "aria-label": input });
    card.replaceChildren(...[title && make("b", {}, title), make("p", {}, text), box, make("div", { class: "row" },
      no && make("button", { type: "button", onclick: () => done(null) }, no),
      make("button", { type: "button", class: red ? "red" : undefined, onclick: () => done(box ? box.value : true) }, yes))].filter(Boolean));
    veil.hidden = false;
    box?.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) done(box.value); });
    (box || card.querySelector(".row button:last-child")).focus();
  });
}

// ---- the whole page ----------------------------------------------------------------------------------------------

let world = null;
let phones = [];
let front = null;
const narrow = window.matchMedia("(max-width: 719px)"), roomy = window.matchMedia("(min-width: 1140px)");
const phonesAreNarrow = () => narrow.matches;
const asked = new URLSearchParams(location.search);
const page = (role) => byRole(document, role);

function bringToFront(phone) {
  front = phone;
  for (const each of phones) each.node.classList.toggle("front", each === phone);
}

function openChat(id, beside = false) {
  const there = phones.find((p) => p.chat === id);
  document.body.classList.add("chatting");
  if (there) { bringToFront(there); there.seen(); rememberAddress(); return there; }
  let phone = front;
  if (!phone || (beside && phones.length < 2)) {
    phone = new Phone(id);
    phones.push(phone);
  } else {
    phone = beside ? phones.find((p) => p !== front) : front;
    phone.turnTo(id);
  }
  bringToFront(phone);
  arrange();
  rememberAddress();
  refresh();
  return phone;
}

function closePhone(phone) {
  phones = phones.filter((p) => p !== phone);
  bringToFront(phones[0] || null);
  arrange();
  rememberAddress();
  refresh();
}

function arrange() {
  const empty = document.getElementById("empty").content.firstElementChild;
  const vacancy = phones.length < 2 && roomy.matches ? [page("stage").querySelector(".vacant") || empty.cloneNode(true)] : [];
  page("stage").replaceChildren(...phones.map((p) => p.node), ...vacancy);
  for (const phone of phones) {
    phone.role["close-phone"].hidden = phones.length < 2;
    phone.role.messages.scrollTop = phone.role.messages.scrollHeight;
  }
}

function rememberAddress() {
  const query = new URLSearchParams();
  if (phones[0]) query.set("persona", phones[0].chat);
  if (phones[1]) query.set("second", phones[1].chat);
  if (front?.startCode) query.set("start", front.startCode);
  history.replaceState(null, "", `${location.pathname}?${query}`);
}

function renderPeople() {
  const card = (c) => make("div", { class: `person${phones.some((p) => p.chat === c.id) ? " open" : ""}` },
    make("button", { type: "button", data: { persona: c.id }, onclick: () => openChat(c.id) },
      make("span", { class: `avatar ${hue(c.id)}` }, c.group ? icon("group") : initial(c.name)),
      make("span", { class: "text" },
        make("span", { class: "name" }, c.name, c.blocked ? make("i", {}, "已停用机器人") : c.deactivated ? make("i", {}, "已注销") : null),
        make("span", { class: "title" }, c.title), c.preview && make("span", { class: "preview" }, c.preview)),
      make("span", { class: "side-info" }, c.time || null, c.unread ? make("span", { class: "badge" }, c.unread > 99 ? "99+" : String(c.unread)) : null)),
    make("button", { type: "button", class: "pair", title: "在第二部手机上打开", onclick: () => openChat(c.id, true) }, icon("pair"), "并排"));
  const groups = world.chats.filter((c) => c.group);
  const state = JSON.stringify([world.chats, phones.map((p) => p.chat)]);
  if (page("people").dataset.state === state) return;
  page("people").dataset.state = state;
  page("people").replaceChildren(...world.chats.filter((c) => !c.group).map(card),
    ...(groups.length ? [make("h2", {}, "群聊"), ...groups.map(card)] : []));
}

function renderAll() {
  page("date").textContent = `${world.date} ${world.clock}`;
  renderPeople();
  for (const button of page("modes").children) button.setAttribute("aria-checked", String(button.dataset.mode === world.mode));
  page("mode-words").textContent = MODE_WORDS[world.mode];
  for (const phone of phones) phone.render();
  const unread = world.chats.reduce((sum, c) => sum + c.unread, 0);
  document.title = `${unread ? `(${unread}) ` : ""}聊天模拟器 · 考务`;
}

let timer = null, busy = false, again = false, mark = "";

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  clearTimeout(timer);
  try {
    const opened = phones.map((p) => p.chat).join(",");
    const answer = await fetch(`${ROOT}state?open=${opened}&since=${encodeURIComponent(mark)}`, { cache: "no-store" });
    const said = await answer.json();
    mark = said.mark;
    const first = world === null;
    if (said.chats) world = said;
    else if (world) Object.assign(world, { clock: said.clock });
    document.body.classList.remove("offline");
    if (first) openFirst();
    if (said.chats) renderAll();
    else for (const phone of phones) { phone.role.clock.textContent = said.clock; phone.settle(); }
    for (const phone of phones) {
      const left = phone.conversation?.typing;
      if (left > 0) setTimeout(() => { if (phone.conversation) { phone.conversation.typing = 0; phone.render(); } }, left * 1000);
    }
  } catch {
    document.body.classList.add("offline");
    page("mode-words").textContent = "与模拟器的连接断开了，正在重试…";
    mark = "";
  }
  busy = false;
  const pause = again ? 0 : Date.now() < quickUntil ? QUICK : document.visibilityState === "visible" ? CALM : IDLE;
  again = false;
  timer = setTimeout(refresh, pause);
}

function openFirst() {
  const people = world.chats.filter((c) => !c.group);
  const known = (name) => world.chats.find((c) => c.id === Number(asked.get(name)))?.id;
  const wanted = known("persona");
  const first = wanted ?? people[0]?.id;
  if (first === undefined) return;
  const narrowStart = phonesAreNarrow() && wanted === undefined;
  const phone = openChat(first);
  const second = known("second") ?? (wanted === undefined ? people[1]?.id : undefined);
  if (second !== undefined && second !== first && roomy.matches) { openChat(second, true); bringToFront(phone); }
  const code = asked.get("start");
  if (code !== null && /^[\w-]{0,64}$/.test(code)) phone.startCode = code;
  if (narrowStart) document.body.classList.remove("chatting");
  rememberAddress();
}

function askOnPage(question) {
  const veil = make("div", { class: "veil" }), card = make("div", { class: "card", role: "alertdialog" });
  veil.style.position = "fixed";
  veil.append(card);
  document.body.append(veil);
  return ask(veil, card, question).finally(() => veil.remove());
}

page("modes").addEventListener("click", (event) => {
  const mode = event.target.dataset.mode;
  if (mode) post("mode", { mode }).catch(() => refresh());
});
page("reset").addEventListener("click", async () => {
  const sure = await askOnPage({ title: "清空聊天？", text: "所有人物的聊天记录都会清空，考务里的数据不变。", yes: "清空聊天", no: "保留", red: true });
  if (sure) await post("reset", {}).catch(() => refresh());
});
page("new-person").addEventListener("click", async () => {
  const name = await askOnPage({ title: "新建人物", text: "新人物还没有与机器人说过话，可用来试绑定。", input: "姓名", yes: "新建", no: "取消新建" });
  if (name === null) return;
  try {
    const { id } = await post("person", { name });
    openChat(id);
  } catch (refused) { await askOnPage({ text: refused.message, yes: "知道了" }); }
});
window.addEventListener("message", (event) => {
  const phone = phones.find((p) => p.pageFrame && p.pageFrame.contentWindow === event.source);
  if (!phone || event.origin !== phone.pageOrigin) return;
  let said = event.data;
  try { if (typeof said === "string") said = JSON.parse(said); } catch { return; }
  if (said && typeof said.eventType === "string") {
    let data = said.eventData;
    try { if (typeof data === "string") data = JSON.parse(data); } catch { data = {}; }
    phone.hear(said.eventType, data);
  }
});
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") refresh(); });
roomy.addEventListener("change", () => { if (phones.length) arrange(); });
refresh();
