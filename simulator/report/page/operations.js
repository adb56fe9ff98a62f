// The clients' operations as intervals, a row a client, on the same stretch of time as the diagram above.

const OUTCOMES = {
  ok: "took effect, or read", refused: "refused by the blog", fail: "without effect", info: "outcome unknown", open: "never answered",
};
const rows = packed(data.operations);
const ROW = rows.count > 24 ? 12 : 22;

const operations = drawing(() => Math.min(rows.count, 60) * ROW + 14, drawOperations, {
  class: "operations", tabindex: "0", role: "img", "aria-label": "Operations of the clients as intervals; the table below lists them.",
});

// Operations of one client share a row unless they overlap. `order` has all of them by the time of their call.
function packed(all) {
  const free = [];
  const names = [];
  const row = all.map((operation) => {
    const [process, , , , , invoked, returned] = operation;
    let at = names.findIndex((name, k) => name === process && free[k] <= invoked);
    if (at < 0) at = names.push(process) - 1;
    free[at] = returned < 0 ? Infinity : returned;
    return at;
  });
  const order = [...names.keys()].sort((a, b) => names[a] - names[b] || a - b);
  const place = [];
  order.forEach((old, now) => (place[old] = now));
  return { count: names.length, of: row.map((old) => place[old]), names: order.map((old) => names[old]) };
}

function drawOperations(context, width) {
  const color = colors();
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  const taken = new Map();
  context.save();
  context.beginPath();
  context.rect(MARGIN, 0, width - MARGIN, 4000);
  context.clip();
  for (let k = 0; k < data.operations.length; k += 1) {
    const [, , text, outcome, , invoked, returned, effect, , local, late] = data.operations[k];
    const row = rows.of[k];
    if (row >= 60) continue;
    const left = screenX(positionOf(invoked), width);
    if (left > width) break;
    const right = returned < 0 ? screenX(extent()[1], width) : screenX(positionOf(returned), width);
    if (right < MARGIN) continue;
    if (right - left < 4 && !late) { // Of those that share a few pixels one is drawn, and it as a mere line.
      const cell = Math.round(left / 4);
      if (taken.get(row) === cell) continue;
      taken.set(row, cell);
      context.fillStyle = outcome === "ok" ? color.good : outcome === "refused" ? color.warn : color.bad;
      context.fillRect(cell * 4, row * ROW + 4, 2, ROW - 5);
      continue;
    }
    const y = row * ROW + 4;
    const wide = Math.max(right - left, 2);
    context.fillStyle = late ? color.bad : outcome === "ok" ? color.band : color.paper;
    context.fillRect(left, y, wide, ROW - 5);
    context.strokeStyle = late ? color.bad : outcome === "ok" ? color.good : outcome === "refused" ? color.warn : color.bad;
    context.setLineDash(outcome === "ok" ? [] : outcome === "refused" ? [6, 3] : [2, 3]);
    context.lineWidth = view.selected === invoked || view.selected === returned ? 3 : 1.3;
    context.strokeRect(left, y, wide, ROW - 5);
    context.setLineDash([]);
    if (ROW > 16 && wide > 40) {
      context.fillStyle = color.ink;
      const shown = fitted(context, text, wide - 12);
      context.fillText(shown, Math.max(left, MARGIN) + 6, y + (ROW - 5) / 2);
    }
    if (effect >= 0) {
      const x = screenX(positionOf(effect), width);
      context.fillStyle = color.ink;
      context.beginPath();
      if (local) context.arc(x, y + (ROW - 5) / 2, 2, 0, 7);
      else {
        context.moveTo(x - 4, y - 2);
        context.lineTo(x + 4, y - 2);
        context.lineTo(x, y + 4);
        context.fill();
        context.fillRect(x - 0.75, y - 2, 1.5, ROW - 1);
      }
      context.fill();
    }
  }
  if (view.selected >= 0) {
    context.strokeStyle = color.accent;
    context.setLineDash([3, 3]);
    context.lineWidth = 1;
    const x = screenX(positionOf(view.selected), width);
    context.strokeRect(x, -2, 0, rows.count * ROW + 20);
    context.setLineDash([]);
  }
  context.restore();
  context.fillStyle = color.ink;
  rows.names.slice(0, 60).forEach((name, row) => {
    if (ROW > 16 || row % 2 === 0) context.fillText(`client ${name}`, 4, row * ROW + ROW / 2 + 2);
  });
}

function operationAt(x, y, width) {
  const row = Math.floor((y - 2) / ROW);
  let best = -1;
  let distance = 6;
  for (let k = 0; k < data.operations.length; k += 1) {
    if (rows.of[k] !== row) continue;
    const [, , , , , invoked, returned] = data.operations[k];
    const left = screenX(positionOf(invoked), width);
    const right = returned < 0 ? width : screenX(positionOf(returned), width);
    const away = x < left ? left - x : x > right ? x - right : 0;
    if (away < distance) [best, distance] = [k, away];
  }
  return best;
}

function operationSentence(k) {
  const [process, , text, outcome, answer, invoked, returned, effect, height, local, late] = data.operations[k];
  const parts = [`client ${process}: ${text}`, `${OUTCOMES[outcome]}${answer && answer !== "ok" ? `: ${answer}` : ""}`];
  parts.push(`called at ${(model.at[invoked] / 1000).toFixed(3)} s`);
  if (returned >= 0) parts.push(`returned after ${trim(model.at[returned] - model.at[invoked])} ms`);
  if (effect >= 0) parts.push(`${local ? "read from its own node" : "took effect"} at ${(model.at[effect] / 1000).toFixed(3)} s, block ${height}`);
  if (late) parts.push("its effect lies outside of its interval: no order can explain it");
  return parts.join("; ");
}
