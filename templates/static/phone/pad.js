// A signature drawn with finger, pen or mouse: strokes kept as points, so that undo and turning the phone redraw them.
"use strict";

class Pad {
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.ink = canvas.getContext("2d");
    this.strokes = [];
    this.onChange = onChange;
    for (const [name, act] of [["pointerdown", this.start], ["pointermove", this.go], ["pointerup", this.stop], ["pointercancel", this.stop]]) {
      canvas.addEventListener(name, act.bind(this));
    }
    new ResizeObserver(() => this.fit()).observe(canvas);
  }

  fit() {
    const box = this.canvas.getBoundingClientRect(), sharp = Math.min(window.devicePixelRatio || 1, 2);
    if (!box.width) return;
    this.canvas.width = Math.round(box.width * sharp);
    this.canvas.height = Math.round(box.height * sharp);
    this.redraw();
  }

  point(event) { // kept relative to the width, for the pad may become wider or narrower
    const box = this.canvas.getBoundingClientRect();
    const press = event.pointerType === "pen" && event.pressure ? 0.5 + event.pressure : 1;
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.width, press };
  }

  start(event) {
    if (!event.isPrimary || event.button > 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.strokes.push([this.point(event)]);
    this.drawing = event.pointerId;
    this.redraw();
  }

  go(event) {
    if (event.pointerId !== this.drawing) return;
    const all = event.getCoalescedEvents?.() ?? [];
    this.strokes.at(-1).push(...(all.length ? all : [event]).map((one) => this.point(one)));
    this.redraw();
  }

  stop(event) {
    if (event.pointerId !== this.drawing) return;
    this.drawing = null;
    this.onChange(this);
  }

  undo() { this.strokes.pop(); this.redraw(); this.onChange(this); }
  clear() { this.strokes = []; this.redraw(); this.onChange(this); }

  get length() { // of all strokes, in widths of the pad
    const step = (a, b) => Math.hypot(b.x - a.x, b.y - a.y);
    return this.strokes.reduce((sum, stroke) => sum + stroke.slice(1).reduce((s, p, i) => s + step(stroke[i], p), 0), 0);
  }

  redraw(canvas = this.canvas) {
    const ink = canvas.getContext("2d"), wide = canvas.width;
    ink.clearRect(0, 0, canvas.width, canvas.height);
    ink.lineCap = ink.lineJoin = "round";
    ink.strokeStyle = ink.fillStyle = "#14202b";
    for (const stroke of this.strokes) {
      if (stroke.length === 1) this.dot(ink, stroke[0], wide);
      for (let i = 1; i < stroke.length; i++) this.line(ink, stroke[Math.max(0, i - 2)], stroke[i - 1], stroke[i], wide);
    }
  }

  dot(ink, p, wide) {
    ink.beginPath();
    ink.arc(p.x * wide, p.y * wide, wide * 0.0045 * p.press, 0, 7);
    ink.fill();
  }

  line(ink, before, from, to, wide) { // through the middles, so that corners of fast strokes are round
    ink.beginPath();
    ink.lineWidth = wide * 0.009 * to.press;
    ink.moveTo(((before.x + from.x) / 2) * wide, ((before.y + from.y) / 2) * wide);
    ink.quadraticCurveTo(from.x * wide, from.y * wide, ((from.x + to.x) / 2) * wide, ((from.y + to.y) / 2) * wide);
    ink.stroke();
  }

  picture() { // transparent PNG as a data: address, well below what the server takes
    const small = document.createElement("canvas");
    const scale = Math.min(1, 900 / this.canvas.width);
    small.width = Math.round(this.canvas.width * scale);
    small.height = Math.round(this.canvas.height * scale);
    this.redraw(small);
    return small.toDataURL("image/png");
  }
}
