// The page of judged histories: operations as bars a client, the order that explains them, and what no order explains.

const data = JSON.parse(document.getElementById("data").textContent);
const LEFT = 84;
const BAR = 26;
const VERDICTS = { ok: "✓ holds", violation: "✗ violated", unknown: "? not settled" };

function historySection(told, number) {
  const view = { from: 0, to: Math.max(told.events, 2), selected: -1, byTime: false };
  const rows = packed(told.operations);
  const conflict = new Set(told.conflict);
  const byCall = new Map(told.operations.map((operation, k) => [operation[4], k]));
  const points = new Map((told.points ?? []).map(([call, after], k) => [call, { after, k }]));
  const together = new Map();
  for (const [, after] of told.points ?? []) together.set(after, (together.get(after) ?? 0) + 1);
  const placed = new Map();
  const pin = new Map(); // Where the pin of each call stands: behind an event, in the order of the list.
  for (const [call, after] of told.points ?? []) {
    const nth = (placed.get(after) ?? 0) + 1;
    placed.set(after, nth);
    pin.set(call, [after, nth / (together.get(after) + 1)]);
  }
  const least = told.times[0] ?? 0;
  const where = (position, part = 0) => {
    if (!view.byTime) return position + 0.5 + part;
    const next = Math.min(position + 1, told.events - 1);
    return told.times[position] - least + part * (told.times[next] - told.times[position]);
  };
  const last = () => (view.byTime ? (told.times[told.events - 1] ?? 1) - least || 1 : told.events);
  const name = (k) => `${told.operations[k][1]}${told.operations[k][3] ? ` → ${told.operations[k][3]}` : ""}`;
  const about = (k) => {
    const [client, , outcome, , call, end, local] = told.operations[k];
    const parts = [`client ${client}: ${name(k)}`, { ok: "returned", fail: "without effect", info: "outcome unknown", open: "never returned" }[outcome]];
    parts.push(`called in line ${told.lines[call]}${end >= 0 ? `, returned in line ${told.lines[end]}` : ""}`);
    if (local) parts.push("a local read, which has a rule of its own");
    if (points.has(call)) parts.push(`number ${points.get(call).k + 1} in the order that explains the prefix`);
    if (call === told.misfit) parts.push("it cannot be placed");
    else if (conflict.has(call)) parts.push("it contradicts the operation that cannot be placed");
    return parts.join("; ");
  };
  const live = el("div", { class: "live", "aria-live": "polite", role: "status" });
  const panel = el("p", { class: "panel low" }, "Click an operation, or use the arrow keys on the drawing.");
  const state = drawing(() => rows.count * BAR + 52, (context, width, height) => draw(context, width, height), {
    tabindex: "0", role: "application", "aria-roledescription": "drawing of a history", class: "history",
    "aria-label": `Operations of ${told.file}. Left and right go from operation to operation, plus and minus zoom, 0 shows all.`,
  });
  const x = (at, width) => LEFT + ((at - view.from) / (view.to - view.from)) * (width - LEFT - 10);

  function draw(context, width, height) {
    const color = colors();
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "left";
    const edge = x(where(told.prefix, 0) - (view.byTime ? 0 : 0.5), width);
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT, height);
    context.clip();
    if (told.prefix < told.events) {
      context.fillStyle = color.band;
      context.fillRect(edge, 0, width - edge, height);
      hatch(context, edge, 0, width - edge, 16, color.bad, 8);
      context.fillStyle = color.ink;
      context.fillText("✗ no order explains what follows", Math.max(edge, LEFT) + 6, 26);
      context.strokeStyle = color.bad;
      context.lineWidth = 2;
      context.strokeRect(edge, -2, 0, height + 4);
      context.textAlign = "right";
      context.fillText("✓ the longest linearizable prefix", edge - 6, 26);
      context.textAlign = "left";
    }
    for (let k = 0; k < told.operations.length; k += 1) {
      const [, , outcome, , call, end, local] = told.operations[k];
      const from = x(where(call), width);
      const to = end < 0 ? width + 4 : x(where(end), width);
      if ((to < LEFT && outcome !== "info") || from > width) continue;
      const y = 40 + rows.of[k] * BAR;
      const wide = Math.max(to - from, 3);
      const misfit = call === told.misfit;
      context.fillStyle = misfit ? color.bad : color.paper;
      context.fillRect(from, y, wide, BAR - 7);
      if (conflict.has(call) && !misfit) hatch(context, from, y, wide, BAR - 7, color.bad, 8);
      context.strokeStyle = misfit || conflict.has(call) ? color.bad : outcome === "ok" ? color.good : color.soft;
      context.lineWidth = k === view.selected ? 3.5 : misfit || conflict.has(call) ? 2.5 : 1.3;
      context.setLineDash(outcome === "ok" ? (local ? [6, 3] : []) : [2, 3]);
      context.strokeRect(from, y, wide, BAR - 7);
      if (outcome === "info") { // It may take effect at any later time.
        context.strokeRect(to, y + (BAR - 7) / 2, Math.max(width - to, 0), 0);
      }
      context.setLineDash([]);
      if (wide > 30) {
        context.fillStyle = misfit ? color.paper : color.ink;
        context.fillText(fitted(context, `${misfit ? "✗ " : ""}${name(k)}`, Math.min(wide, width - Math.max(from, LEFT)) - 10), Math.max(from, LEFT) + 5, y + (BAR - 7) / 2);
      }
      if (pin.has(call)) {
        const at = x(where(...pin.get(call)), width);
        context.fillStyle = color.accent;
        context.fillRect(at - 1, y - 4, 2, BAR);
        context.beginPath();
        context.arc(at, y - 4, 3, 0, 7);
        context.fill();
        if (told.operations.length < 80 || width / (view.to - view.from) > 24) context.fillText(String(points.get(call).k + 1), at + 4, y - 5);
      }
    }
    context.restore();
    context.fillStyle = color.ink;
    rows.names.forEach((client, row) => context.fillText(fitted(context, `client ${client}`, LEFT - 8), 4, 40 + row * BAR + (BAR - 7) / 2));
  }

  function show(from, to) {
    const wide = Math.min(Math.max(to - from, Math.min(3, last())), last() * 1.05);
    const begin = Math.max(-0.03 * last(), Math.min((from + to - wide) / 2, last() * 1.03 - wide));
    [view.from, view.to] = [begin, begin + wide];
    state.ask();
  }
  const all = () => show(-0.01 * last(), last() * 1.01);
  const zoom = (factor, around = (view.from + view.to) / 2) => show(around - (around - view.from) * factor, around + (view.to - around) * factor);
  function select(k) {
    view.selected = k;
    panel.replaceChildren(isolated(about(k)));
    live.textContent = about(k);
    const at = where(told.operations[k][4]);
    if (at < view.from || at > view.to) show(at - (view.to - view.from) / 2, at + (view.to - view.from) / 2);
    state.ask();
  }
  const near = () => {
    const around = byCall.get(told.misfit) ?? 0;
    const at = where(told.operations[around]?.[4] ?? 0);
    const wide = view.byTime ? last() / 10 : 40;
    if (told.operations.length) select(around);
    show(at - wide / 2, at + wide / 2);
  };
  function found(event) {
    const row = Math.floor((event.offsetY - 38) / BAR);
    return told.operations.findIndex(([, , , , call, end], k) => rows.of[k] === row && event.offsetX >= x(where(call), state.width) - 3 &&
      event.offsetX <= (end < 0 ? state.width : x(where(end), state.width)) + 3);
  }
  let drag = null;
  state.canvas.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, from: view.from, to: view.to, moved: false }; state.canvas.setPointerCapture(event.pointerId); });
  state.canvas.addEventListener("pointermove", (event) => {
    if (drag) {
      drag.moved = drag.moved || Math.abs(event.clientX - drag.x) > 3;
      const part = ((drag.x - event.clientX) / (state.width - LEFT)) * (drag.to - drag.from);
      if (drag.moved) show(drag.from + part, drag.to + part);
      return;
    }
    const k = found(event);
    state.canvas.style.cursor = k >= 0 ? "pointer" : "grab";
    tip(k >= 0 ? about(k) : "", event.clientX, event.clientY);
  });
  state.canvas.addEventListener("pointerup", (event) => { const k = drag && !drag.moved ? found(event) : -1; drag = null; if (k >= 0) select(k); });
  state.canvas.addEventListener("pointerleave", () => tip("", 0, 0));
  state.canvas.addEventListener("wheel", (event) => {
    if (document.activeElement !== state.canvas && !event.ctrlKey) return;
    event.preventDefault();
    zoom(Math.exp(clamp(event.deltaY, -200, 200) / 300), view.from + ((event.offsetX - LEFT) / (state.width - LEFT)) * (view.to - view.from));
  }, { passive: false });
  state.canvas.addEventListener("keydown", (event) => {
    const step = (by) => told.operations.length && select(clamp(view.selected + by, 0, told.operations.length - 1));
    const actions = { ArrowRight: () => step(1), ArrowLeft: () => step(-1), "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), 0: all,
      Home: () => step(-told.operations.length), End: () => step(told.operations.length), x: near };
    if (actions[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      actions[event.key]();
    }
  });
  const button = (text, action) => el("button", { type: "button", onclick: action }, text);
  const timed = told.times.some((time, k) => k && time > told.times[k - 1]);
  const box = el("input", { type: "checkbox", onchange: () => { view.byTime = box.checked; all(); } });
  const told_order = told.points ? `The pins and numbers show one order that explains ${told.prefix < told.events ? "the prefix" : "all of it"}.`
    : told.verdict === "unknown" ? "" : "No order is drawn: none was found in time, or the history is too long for that.";
  all();
  const section = el("section", {}, el("h2", {}, isolated(told.file)),
    el("p", { class: told.verdict === "ok" ? "verdict ok" : "verdict violated" }, `${VERDICTS[told.verdict]}: ${told.consistency}, model ${told.model}, ${told.operations.length} operations`),
    told.why ? el("p", {}, isolated(told.why)) : null,
    el("div", { class: "tools" }, button("−", () => zoom(1 / 0.6)), button("+", () => zoom(0.6)), button("all", all),
      told.misfit >= 0 ? button("to what cannot be placed", near) : null, timed ? el("label", {}, box, " by time") : null),
    state.canvas, live, panel,
    el("p", { class: "soft" }, `A bar a call, from call to return. ${told_order} A broken outline: dots, of unknown outcome; dashes, a local read. Red: what cannot be placed; hatched: what contradicts it.`),
    table(told, points, conflict));
  new ResizeObserver(state.ask).observe(section);
  states.push({ ...state, view, told, zoom, all, select });
  if (number === 0 && told.misfit >= 0 && told.operations.length > 60) near();
  return section;
}

function table(told, points, conflict) {
  const important = told.operations.filter((operation) => conflict.has(operation[4]) || operation[4] === told.misfit);
  const list = told.operations.length > 500 ? [...important, ...told.operations.slice(0, 500)] : told.operations;
  return el("details", {}, el("summary", {}, `The operations as a table${list === told.operations ? "" : " (those that matter, and the first 500)"}`), el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, ["client", "operation", "outcome", "result", "call, line", "return, line", "order", "remark"].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, list.map(([client, text, outcome, answer, call, end]) => el("tr", { class: call === told.misfit ? "late" : "" },
      el("td", {}, client), el("td", {}, isolated(text)), el("td", {}, outcome), el("td", {}, isolated(answer)), el("td", {}, told.lines[call]), el("td", {}, end < 0 ? "–" : told.lines[end]),
      el("td", {}, points.has(call) ? points.get(call).k + 1 : "–"), el("td", {}, call === told.misfit ? "cannot be placed" : conflict.has(call) ? "contradicts it" : "")))))));
}

// A row for each client; a client whose calls overlap (a call of unknown outcome stays open) has several.
function packed(all) {
  const free = [];
  const names = [];
  const row = all.map(([client, , outcome, , call, end]) => {
    let at = names.findIndex((name, k) => name === client && free[k] < call);
    if (at < 0) at = names.push(client) - 1;
    free[at] = end < 0 ? Infinity : end;
    return at;
  });
  const order = [...names.keys()].sort((a, b) => names[a] - names[b] || a - b);
  const place = [];
  order.forEach((old, now) => (place[old] = now));
  return { count: names.length, of: row.map((old) => place[old]), names: order.map((old) => names[old]) };
}

const states = [];
const tooltip = el("div", { class: "tooltip", hidden: true });
function tip(text, x, y) {
  tooltip.hidden = !text;
  if (!text) return;
  tooltip.replaceChildren(isolated(text));
  tooltip.style.maxWidth = `${Math.min(460, window.innerWidth - 20)}px`;
  tooltip.style.left = `${clamp(x + 14, 4, Math.max(4, window.innerWidth - tooltip.offsetWidth - 8))}px`;
  tooltip.style.top = `${y + 18}px`;
}

const main = el("main", {}, el("h1", {}, "Judged histories"));
document.body.append(main, tooltip);
data.histories.forEach((told, number) => main.append(historySection(told, number)));
const redraw = () => { palette = null; states.forEach((state) => state.draw()); };
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
addEventListener("beforeprint", () => { document.documentElement.classList.add("printing"); redraw(); });
addEventListener("afterprint", () => { document.documentElement.classList.remove("printing"); redraw(); });
states.forEach((state) => state.draw());
document.title = `paxsim: ${data.histories.map((told) => VERDICTS[told.verdict]).join(", ")}`;
window.paxsim = { data, states, firstPicture: performance.now() };
