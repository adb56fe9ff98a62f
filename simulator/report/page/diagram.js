// The space-time diagram: a line a node, time to the right, an arrow a message. Only what is in view is drawn, and where
// more messages are in view than can be told apart, one stands for those beside it.

const LANE = 62;
const TOP = 66;
const MOST_ARROWS = 1500;

const diagram = drawing(() => TOP + LANE * data.nodes.length + 34, drawDiagram, {
  class: "diagram", tabindex: "0", role: "application", "aria-roledescription": "space-time diagram",
  "aria-label": "Space-time diagram. Arrow keys move between events; the list of keys stands below.",
  "aria-describedby": "keys",
});

const laneY = (node) => TOP + LANE * (data.nodes.indexOf(node) + 0.5);

function drawDiagram(context, width, height) {
  const color = colors();
  const x = (position) => screenX(position, width);
  const first = lowerBound(model.count, view.from, positionOf);
  const last = lowerBound(model.count, view.to, positionOf);
  drawAxis(context, width, height);
  context.save();
  context.beginPath();
  context.rect(MARGIN, 0, width - MARGIN, height);
  context.clip();
  drawBands(context, width, height);
  drawLanes(context, width);
  drawSlots(context, width);
  const arrows = arrowsIn(first, last);
  drawArrows(context, width, arrows);
  drawLabels(context);
  drawMarks(context, width, first, last);
  drawEvidence(context, width);
  drawSelected(context, width);
  context.restore();
  context.font = "600 13px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const node of data.nodes) {
    context.fillStyle = color.node(node);
    context.fillRect(4, laneY(node) - 9, 5, 18);
    context.fillStyle = color.ink;
    context.fillText(`node ${node}`, 14, laneY(node));
  }
}

function drawAxis(context, width, height) {
  const color = colors();
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  context.lineWidth = 1;
  for (const tick of steps(view.from, view.to, width / 110)) {
    const x = screenX(tick, width);
    if (x < MARGIN) continue;
    context.strokeStyle = color.faint;
    context.beginPath();
    context.moveTo(x, TOP - 8);
    context.lineTo(x, height - 22);
    context.stroke();
    context.fillStyle = color.soft;
    context.textAlign = "center";
    context.fillText(view.byOrder ? `event ${trim(tick)}` : seconds(tick), x, height - 18);
  }
  context.textAlign = "left";
}

const BANDS = { partition: 0, cut: 0, conditions: 1, hold: 2 };

function drawBands(context, width, height) {
  const color = colors();
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  const free = [MARGIN, MARGIN, MARGIN];
  for (const [kind, node, begin, end, text] of data.spans) {
    const left = Math.max(MARGIN, screenX(positionOf(begin), width));
    const right = Math.min(width, end < 0 ? screenX(extent()[1], width) : screenX(positionOf(end), width));
    if (right < MARGIN || left > width || right < left) continue;
    const wide = Math.max(right - left, 2);
    if (node === 0) {
      const row = BANDS[kind] ?? 2;
      const y = 4 + row * 17;
      context.fillStyle = color.band;
      context.fillRect(left, y, wide, 14);
      hatch(context, left, y, wide, 14, color.warn, kind === "partition" ? 5 : 9);
      if (kind === "partition") {
        context.fillStyle = color.band;
        context.globalAlpha = 0.55;
        context.fillRect(left, TOP - 8, wide, height - TOP - 16);
        context.globalAlpha = 1;
      }
      label(context, text, Math.max(left, free[row]) + 3, y + 7, right - Math.max(left, free[row]) - 6);
    } else if (kind === "leader") {
      const y = laneY(node);
      context.fillStyle = color.node(node);
      context.globalAlpha = 0.28;
      context.fillRect(left, y - 11, wide, 22);
      context.globalAlpha = 1;
      context.fillRect(left, y - 12, wide, 2);
      context.fillRect(left, y + 10, wide, 2);
      label(context, `leads with ${text}`, left + 5, y - 20, wide - 8);
    } else {
      const y = laneY(node);
      context.fillStyle = color.paper;
      context.fillRect(left, y - 8, wide, 16);
      hatch(context, left, y - 8, wide, 16, kind === "down" ? color.bad : color.warn, kind === "down" ? 5 : 9);
      label(context, kind === "down" ? `down: ${text}` : "paused", left + 12, y + 18, wide - 14);
    }
  }
}

// Labels are drawn above the arrows, so they wait.
const waiting = [];
const label = (context, text, x, y, width) => width > 24 && waiting.push([text, x, y, width]);

function drawLabels(context) {
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const one of waiting.splice(0)) drawLabel(context, ...one);
}

function drawLabel(context, text, x, y, width) {
  const kept = fitted(context, text, width);
  if (!kept) return;
  const color = colors();
  context.fillStyle = color.paper;
  context.globalAlpha = 0.8;
  context.fillRect(x - 2, y - 7, context.measureText(kept).width + 4, 14);
  context.globalAlpha = 1;
  context.fillStyle = color.ink;
  context.fillText(kept, x, y);
}

function drawLanes(context, width) {
  const color = colors();
  const right = Math.min(width, screenX(extent()[1], width));
  context.lineWidth = 1.5;
  for (const node of data.nodes) {
    context.strokeStyle = color.soft;
    context.beginPath();
    context.moveTo(MARGIN, laneY(node));
    context.lineTo(right, laneY(node));
    context.stroke();
  }
}

function drawSlots(context, width) {
  const color = colors();
  context.font = "10px system-ui, sans-serif";
  context.textBaseline = "middle";
  let free = -Infinity;
  const begin = lowerBound(data.slots.length, view.from, (k) => positionOf(data.slots[k][1]));
  for (let k = begin; k < data.slots.length; k += 1) {
    const [slot, event] = data.slots[k];
    if (positionOf(event) > view.to) break;
    const x = screenX(positionOf(event), width);
    if (x < free) continue;
    context.fillStyle = color.good;
    context.fillRect(x - 1, TOP - 10, 2, 6);
    context.fillStyle = color.ink;
    context.fillText(`slot ${slot}`, x + 3, TOP - 8);
    free = x + context.measureText(`slot ${slot}`).width + 8;
  }
}

// The arrows of which some part lies between two events. `thin` tells that there are too many to draw each.
function arrowsIn(first, last) {
  const { arrows } = model;
  const found = [];
  const end = lowerBound(arrows.count, last, (k) => arrows.start[k]);
  for (let block = 0; block << BLOCK_BITS < end; block += 1) {
    if (arrows.latest[block] < first) continue;
    const stop = Math.min(end, (block + 1) << BLOCK_BITS);
    for (let k = block << BLOCK_BITS; k < stop; k += 1) {
      if (arrows.end[k] >= first && !view.hidden.has(FAMILIES[arrows.family[k]])) found.push(k);
    }
  }
  return found;
}

function drawArrows(context, width, found) {
  const steep = found.length > MOST_ARROWS ? drawDense(context, width, found) : null;
  const chosen = steep === null ? found : steep;
  const color = colors();
  const { arrows } = model;
  const heads = chosen.length < 700 && steep === null;
  const groups = new Map();
  for (const k of chosen) {
    const lit = isLit(arrows.start[k]) && isLit(arrows.end[k]);
    const key = arrows.family[k] * 4 + arrows.lost[k] * 2 + (lit ? 1 : 0);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(k);
  }
  for (const [key, members] of [...groups].sort((a, b) => (a[0] & 1) - (b[0] & 1) || b[0] - a[0])) {
    const family = FAMILIES[key >> 2];
    const lost = Boolean(key & 2);
    context.strokeStyle = context.fillStyle = lost ? color.bad : color[family];
    context.globalAlpha = key & 1 ? (family === "routine" ? 0.5 : 0.95) : 0.1;
    context.lineWidth = family === "routine" || steep ? 0.8 : 1.4;
    context.setLineDash(lost && !steep ? [5, 3] : []);
    context.beginPath();
    for (const k of members) arrowPath(context, width, k);
    context.stroke();
    context.setLineDash([]);
    if (heads) for (const k of members) arrowHead(context, width, k);
    if (lost) for (const k of members) cross(context, ...arrowEnd(width, k), steep ? 2.5 : 4.5);
  }
  context.globalAlpha = 1;
}

const CELL = 4;

// Too many arrows to tell apart: the steep ones become columns between the lanes, darker where there are more, with a
// red foot where some were lost. Returns the others, at most one for each pair of nodes and few pixels.
function drawDense(context, width, found) {
  const color = colors();
  const { arrows } = model;
  const gaps = Math.max(data.nodes.length - 1, 1);
  const columns = Math.ceil(width / CELL) + 1;
  const counts = new Uint16Array(columns * gaps);
  const top = new Uint8Array(columns * gaps).fill(FAMILIES.length);
  const losses = new Uint8Array(columns * data.nodes.length);
  const taken = new Uint8Array(columns * data.nodes.length * data.nodes.length);
  const places = view.byOrder ? null : model.shownAt;
  const scale = (width - MARGIN - 12) / span();
  const rest = [];
  const dim = view.past || view.future;
  for (const k of found) {
    const begin = arrows.start[k];
    const end = arrows.end[k];
    const x1 = MARGIN + ((places ? places[begin] : begin) - view.from) * scale;
    const x2 = MARGIN + ((places ? places[end] : end) - view.from) * scale;
    const column = Math.floor(x1 / CELL);
    const low = Math.min(arrows.from[k], arrows.to[k]);
    const high = Math.max(arrows.from[k], arrows.to[k]);
    if (dim && !(isLit(begin) && isLit(end))) continue;
    if (x2 - x1 > 3 * CELL) {
      const key = (clamp(column, 0, columns - 1) * data.nodes.length + arrows.from[k]) * data.nodes.length + arrows.to[k];
      if (!taken[key]) rest.push(k);
      taken[key] = 1;
    } else if (column >= 0 && column < columns) {
      for (let gap = low; gap < high; gap += 1) {
        const cell = column * gaps + gap;
        counts[cell] += 1;
        if (arrows.family[k] < top[cell]) top[cell] = arrows.family[k];
      }
      if (arrows.lost[k]) losses[column * data.nodes.length + arrows.to[k]] = 1;
    }
  }
  const y = data.nodes.map(laneY);
  for (let cell = 0; cell < counts.length; cell += 1) {
    if (!counts[cell]) continue;
    context.fillStyle = color[FAMILIES[top[cell]]];
    context.globalAlpha = Math.min(0.6, 0.1 + counts[cell] / 120);
    context.fillRect(Math.floor(cell / gaps) * CELL, y[cell % gaps] + 2, CELL - 1, LANE - 4);
  }
  context.globalAlpha = 1;
  context.fillStyle = color.bad;
  losses.forEach((lost, place) => {
    if (lost) context.fillRect(Math.floor(place / data.nodes.length) * CELL, y[place % data.nodes.length] - 9, CELL - 1, 6);
  });
  return rest.length > MOST_ARROWS ? rest.filter((_, at) => at % Math.ceil(rest.length / MOST_ARROWS) === 0) : rest;
}

// A lost message ends before its target, at a cross.
function arrowEnd(width, k) {
  const { arrows } = model;
  const [x1, y1] = [screenX(positionOf(arrows.start[k]), width), laneY(model.nodes[arrows.start[k]])];
  const [x2, y2] = [screenX(positionOf(arrows.end[k]), width), laneY(model.nodes[arrows.end[k]])];
  return arrows.lost[k] ? [x1 + (x2 - x1) * 0.7, y1 + (y2 - y1) * 0.7] : [x2, y2];
}

function arrowPath(context, width, k) {
  context.moveTo(screenX(positionOf(model.arrows.start[k]), width), laneY(model.nodes[model.arrows.start[k]]));
  context.lineTo(...arrowEnd(width, k));
}

function arrowHead(context, width, k) {
  if (model.arrows.lost[k]) return;
  const [x1, y1] = [screenX(positionOf(model.arrows.start[k]), width), laneY(model.nodes[model.arrows.start[k]])];
  const [x2, y2] = arrowEnd(width, k);
  const angle = Math.atan2(y2 - y1, x2 - x1);
  context.beginPath();
  context.moveTo(x2, y2);
  context.lineTo(x2 - 8 * Math.cos(angle - 0.32), y2 - 8 * Math.sin(angle - 0.32));
  context.lineTo(x2 - 8 * Math.cos(angle + 0.32), y2 - 8 * Math.sin(angle + 0.32));
  context.fill();
}

function cross(context, x, y, size) {
  context.lineWidth = 1.8;
  context.beginPath();
  context.moveTo(x - size, y - size);
  context.lineTo(x + size, y + size);
  context.moveTo(x - size, y + size);
  context.lineTo(x + size, y - size);
  context.stroke();
}

// A shape for each kind of event, so that color is never needed: a square is a block, a cross the end of a process.
function drawMarks(context, width, first, last) {
  const color = colors();
  const near = (last - first) / width < 0.35;
  const { marked } = model;
  const taken = new Uint8Array((Math.ceil(width / 3) + 20) * 10);
  const draw = (i) => {
    const kind = data.kinds[kindAt(i)];
    const x = screenX(positionOf(i), width);
    const node = model.nodes[i];
    const cell = Math.round(x / 3) * 10 + node;
    if (kind === "applied" || near) {
      const bit = 1 << (kindAt(i) % 8);
      if (taken[cell] & bit) return;
      taken[cell] |= bit;
    }
    context.globalAlpha = isLit(i) ? 1 : 0.15;
    if (kind === "applied" && !near) {
      context.fillStyle = color.good;
      context.fillRect(x - 1, laneY(node) - 4, 2, 8);
    } else mark(context, kind, x, node ? laneY(node) : 0, color);
  };
  if (near) for (let i = first; i < last; i += 1) draw(i);
  else for (let k = lowerBound(marked.length, first, (at) => marked[at]); k < marked.length && marked[k] < last; k += 1) draw(marked[k]);
  context.globalAlpha = 1;
}

function mark(context, kind, x, y, color) {
  context.fillStyle = context.strokeStyle = color.ink;
  context.lineWidth = 1.5;
  context.beginPath();
  switch (kind) {
    case "applied":
      context.fillStyle = color.good;
      context.fillRect(x - 4, y - 4, 8, 8);
      context.strokeRect(x - 4, y - 4, 8, 8);
      break;
    case "ended":
      context.strokeStyle = color.bad;
      cross(context, x, y, 8);
      break;
    case "recovered":
      context.fillStyle = color.paper;
      context.arc(x, y, 6, 0, 7);
      context.fill();
      context.stroke();
      break;
    case "struck":
      context.fillStyle = color.bad;
      context.moveTo(x - 5, 0);
      context.lineTo(x + 5, 0);
      context.lineTo(x, 8);
      context.fill();
      break;
    case "asked": case "told":
      context.moveTo(x, y - 6);
      context.lineTo(x + 4, y);
      context.lineTo(x, y + (kind === "told" ? 6 : 0));
      context.lineTo(x - 4, y);
      context.closePath();
      context.fillStyle = color.paper;
      context.fill();
      context.stroke();
      break;
    case "recorded":
      context.fillRect(x - 1, y + 1, 2, 8);
      break;
    case "synced":
      context.fillRect(x - 3, y + 7, 6, 2);
      break;
    case "history": case "cut": case "lost": case "turn":
      break;
    default:
      context.arc(x, y, 2, 0, 7);
      context.fill();
  }
}

function drawEvidence(context, width) {
  const color = colors();
  view.evidence.forEach((i, number) => {
    const x = screenX(positionOf(i), width);
    if (x < MARGIN - 12 || x > width + 12) return;
    const y = model.nodes[i] ? laneY(model.nodes[i]) : 22;
    context.strokeStyle = color.bad;
    context.fillStyle = color.paper;
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(x, y, 10, 0, 7);
    context.fill();
    context.stroke();
    context.fillStyle = color.ink;
    context.font = "bold 11px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(number + 1), x, y + 0.5);
    context.textAlign = "left";
  });
}

function drawSelected(context, width) {
  if (view.selected < 0) return;
  const color = colors();
  const x = screenX(positionOf(view.selected), width);
  const node = model.nodes[view.selected];
  context.strokeStyle = color.accent;
  context.lineWidth = 1;
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, TOP + LANE * data.nodes.length);
  context.stroke();
  context.setLineDash([]);
  context.lineWidth = 3;
  context.beginPath();
  context.arc(x, node ? laneY(node) : 6, 13, 0, 7);
  context.stroke();
  context.lineWidth = 2.5;
  for (const [start, end] of arrowsAt(view.selected)) {
    context.beginPath();
    context.moveTo(screenX(positionOf(start), width), laneY(model.nodes[start]));
    context.lineTo(screenX(positionOf(end), width), laneY(model.nodes[end]));
    context.stroke();
  }
}

// The arrows that begin or end at an event.
function arrowsAt(i) {
  const own = model.sending[i] >= 0 ? [[model.sending[i], i]] : [];
  return data.kinds[kindAt(i)] === "sent" ? arrivals(i).map((end) => [i, end]) : own;
}

// The event nearest to a place on the diagram: an event of the lane, or the end of an arrow that passes there.
function eventAt(x, y, width) {
  const position = positionAt(x, width);
  let best = -1;
  let distance = 11;
  const consider = (i, at, height) => {
    const away = Math.hypot(screenX(at, width) - x, height - y);
    if (away < distance) [best, distance] = [i, away];
  };
  for (const node of data.nodes) {
    if (Math.abs(laneY(node) - y) > 12) continue;
    const own = model.byNode.get(node);
    const at = lowerBound(own.length, position, (k) => positionOf(own[k]));
    for (let k = Math.max(0, at - 2); k < Math.min(own.length, at + 2); k += 1) consider(own[k], positionOf(own[k]), laneY(node));
  }
  if (y < 26) for (const i of data.faults) consider(i, positionOf(i), Math.min(y, 20));
  if (best >= 0) return best;
  const found = arrowsIn(lowerBound(model.count, view.from, positionOf), lowerBound(model.count, view.to, positionOf));
  if (found.length > 4 * MOST_ARROWS) return -1;
  let closest = 7;
  for (const k of found) {
    const [x1, y1] = [screenX(positionOf(model.arrows.start[k]), width), laneY(model.nodes[model.arrows.start[k]])];
    const [x2, y2] = arrowEnd(width, k);
    const length = (x2 - x1) ** 2 + (y2 - y1) ** 2 || 1;
    const part = clamp(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length, 0, 1);
    const away = Math.hypot(x1 + part * (x2 - x1) - x, y1 + part * (y2 - y1) - y);
    if (away < closest) [best, closest] = [model.arrows.end[k], away];
  }
  return best;
}
