// Small helpers: elements that hold text and never markup, numbers for people, and searching.

function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  for (const child of children.flat()) {
    if (child !== null) made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return made;
}

function svg(tag, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

// Text of users may run from right to left: <bdi> keeps that from turning around what stands beside it.
const isolated = (text) => el("bdi", {}, text);

const seconds = (ms) => (ms >= 10000 ? `${(ms / 1000).toFixed(2)} s` : ms >= 1000 ? `${(ms / 1000).toFixed(3)} s` : `${trim(ms)} ms`);
const trim = (number) => String(Math.round(number * 100) / 100);
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

// The first index from `low` on at which `value(index)` is `wanted` or more.
function lowerBound(count, wanted, value) {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Round steps of an axis: 1, 2 or 5 times a power of ten, at most `most` of them.
function steps(from, to, most) {
  const raw = Math.max((to - from) / Math.max(most, 1), 1e-9);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to + step * 1e-6; at += step) found.push(at);
  return found;
}

let palette = null;
function colors() {
  if (palette === null) {
    const style = getComputedStyle(document.documentElement);
    const names = ["paper", "ink", "soft", "faint", "band", "accent", "bad", "good", "warn", "election", "replication",
      "client", "catch-up", "routine"];
    palette = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    palette.node = (node) => style.getPropertyValue(`--node-${((node - 1) % 9) + 1}`).trim();
  }
  return palette;
}
const DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3], [12, 4], [4, 4], [1, 3], [8, 2, 2, 2, 2, 2], [3, 6]];

// A canvas as wide as its place, sharp on every screen. `draw(context, width, height)` is called once a frame at most.
function drawing(height, draw, attributes) {
  const canvas = el("canvas", attributes);
  const state = { canvas, asked: false, frames: [], width: 0, printing: 0 };
  state.draw = () => {
    state.asked = false;
    const width = state.printing || canvas.clientWidth || 800;
    const tall = typeof height === "function" ? height() : height;
    const ratio = state.printing ? 2 : window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(tall * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(tall * ratio);
      canvas.style.height = `${tall}px`;
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = colors().paper;
    context.fillRect(0, 0, width, tall);
    state.width = width;
    const began = performance.now();
    draw(context, width, tall);
    state.frames.push(performance.now() - began);
    if (state.frames.length > 600) state.frames.shift();
  };
  state.ask = () => {
    if (!state.asked) {
      state.asked = true;
      requestAnimationFrame(() => state.asked && state.draw());
    }
  };
  return state;
}

function hatch(context, x, y, width, height, color, spacing = 7) {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = color;
  context.lineWidth = 1;
  context.beginPath();
  const first = Math.floor((x - height) / spacing) * spacing;
  for (let at = first; at < x + width; at += spacing) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
}

// Text that fits into a width, shortened with an ellipsis; "" if not even a few letters fit.
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let length = Math.floor((text.length * width) / (context.measureText(text).width || 1));
  while (length > 2 && context.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
  return length > 2 ? `${[...text.slice(0, length)].join("")}…` : "";
}
