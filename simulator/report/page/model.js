// The events of the trace, decoded from their columns, and what follows from them: arrows, causes, words.

const FAMILIES = ["election", "replication", "client", "catch-up", "routine"];
const BLOCK_BITS = 7;
const NOTABLE = ["applied", "ended", "recovered", "struck"];
const data = JSON.parse(document.getElementById("data").textContent);
const model = decode(data);

function decode(told) {
  const from = told.events;
  const count = from.times.length;
  const at = new Float64Array(count); // Milliseconds of cluster time.
  const shownAt = new Float64Array(count); // The same, spread out within the millisecond in the order of the trace.
  const sending = new Int32Array(count).fill(-1);
  const numbers = new Map();
  const sentKind = told.kinds.indexOf("sent");
  let now = 0;
  let number = 0;
  let sends = 0;
  for (let i = 0; i < count; i += 1) {
    now += from.times[i];
    at[i] = now;
    const kind = from.kinds[i];
    if (kind === sentKind) {
      number += from.numbers[sends];
      sends += 1;
      numbers.set(i, number);
    } else if (from.about[i] > 0) sending[i] = i - from.about[i];
  }
  for (let i = 0; i < count; ) {
    let end = i;
    while (end < count && at[end] === at[i]) end += 1;
    for (let k = i; k < end; k += 1) shownAt[k] = at[k] + (0.94 * (k - i)) / (end - i);
    i = end;
  }
  const byNode = new Map(told.nodes.map((node) => [node, []]));
  const place = new Int32Array(count); // The place of an event among those of its node.
  for (let i = 0; i < count; i += 1) {
    const own = byNode.get(from.nodes[i]);
    if (own && isOfNode(told.kinds[from.kinds[i]])) {
      place[i] = own.length;
      own.push(i);
    }
  }
  const marked = []; // Events that are drawn however many are in view.
  for (let i = 0; i < count; i += 1) if (NOTABLE.includes(told.kinds[from.kinds[i]])) marked.push(i);
  return { ...from, marked, count, at, shownAt, sending, numbers, byNode, place, arrows: arrowsOf(told, sending) };
}

// The history is the clients', a fault is the world's, and a loss happens to a message: they are no events of a node.
function isOfNode(kind) {
  return !["history", "struck", "cut", "lost", "held", "duplicated"].includes(kind);
}

// Every copy of a message, in the order of sending: where it was sent, where it arrived or was lost, and its family.
function arrowsOf(told, sending) {
  const kinds = told.events.kinds;
  const delivered = told.kinds.indexOf("delivered");
  const lost = told.kinds.indexOf("lost");
  const isEnd = (i) => sending[i] >= 0 && (kinds[i] === delivered || kinds[i] === lost);
  const first = new Int32Array(sending.length + 1); // The place of the first arrow that begins at an event.
  for (let i = 0; i < sending.length; i += 1) if (isEnd(i)) first[sending[i] + 1] += 1;
  for (let i = 0; i < sending.length; i += 1) first[i + 1] += first[i];
  const count = first[sending.length];
  const arrows = { count, start: new Int32Array(count), end: new Int32Array(count), lost: new Uint8Array(count),
    family: new Uint8Array(count), from: new Uint8Array(count), to: new Uint8Array(count), latest: [] };
  const next = first.slice();
  for (let i = 0; i < sending.length; i += 1) {
    if (!isEnd(i)) continue;
    const k = next[sending[i]];
    next[sending[i]] += 1;
    arrows.start[k] = sending[i];
    arrows.end[k] = i;
    arrows.lost[k] = kinds[i] === lost ? 1 : 0;
    arrows.from[k] = told.nodes.indexOf(told.events.nodes[sending[i]]); // Lanes, from 0.
    arrows.to[k] = told.nodes.indexOf(told.events.nodes[i]);
  }
  const families = told.words.map((word) => FAMILIES.indexOf(told.families[word.split(" ", 1)[0]] || "catch-up"));
  for (let k = 0; k < count; k += 1) {
    arrows.family[k] = families[told.events.texts[arrows.start[k]]];
    const block = k >> BLOCK_BITS; // The latest end in each block of arrows lets a search skip the whole block.
    arrows.latest[block] = Math.max(arrows.latest[block] ?? 0, arrows.end[k]);
  }
  return arrows;
}

const kindAt = (i) => data.events.kinds[i];

// What an event says, in words.
function words(i) {
  const kind = data.kinds[kindAt(i)];
  const text = data.words[model.texts[i]];
  const source = model.sending[i];
  const message = source >= 0 ? `${data.words[model.texts[source]]} (#${model.numbers.get(source)})` : "a message of unknown origin";
  switch (kind) {
    case "sent": return `sends to ${targets(i).join(", ")}: ${text} (#${model.numbers.get(i)})`;
    case "delivered": return `hears from ${source >= 0 ? model.nodes[source] : "?"}: ${message}`;
    case "lost": return `will never hear from ${source >= 0 ? model.nodes[source] : "?"}: ${message}${text ? ` (${text})` : ""}`;
    case "held": case "duplicated": return `${text}, from ${source >= 0 ? model.nodes[source] : "?"}: ${message}`;
    case "applied": return `applies ${text}`;
    case "asked": return text.startsWith("is asked") ? text : `is asked to write ${text}`;
    case "struck": return `fault: ${text}`;
    default: return text;
  }
}

function sentence(i) {
  const node = model.nodes[i];
  const who = node && data.kinds[kindAt(i)] !== "history" ? `node ${node} ` : "";
  return `${(model.at[i] / 1000).toFixed(3)} s, ${who}${words(i)}`;
}

function targets(i) {
  return data.nodes.filter((node) => (model.about[i] >> node) & 1);
}

// Where the message that was sent at event `i` arrived or was lost.
function arrivals(i) {
  const { arrows } = model;
  const found = [];
  for (let k = lowerBound(arrows.count, i, (at) => arrows.start[at]); k < arrows.count && arrows.start[k] === i; k += 1) {
    found.push(arrows.end[k]);
  }
  return found;
}

// The causal past of an event: for each node the last of its events that could have led to it (-1: none).
function pastOf(i) {
  const last = new Map(data.nodes.map((node) => [node, -1]));
  const seen = new Map(data.nodes.map((node) => [node, 0]));
  const open = [];
  const raise = (event) => {
    const node = model.nodes[event];
    if (last.has(node) && event > last.get(node)) {
      last.set(node, event);
      open.push(node);
    }
  };
  raise(model.sending[i] >= 0 && !isOfNode(data.kinds[kindAt(i)]) ? model.sending[i] : i);
  while (open.length) {
    const node = open.pop();
    const own = model.byNode.get(node);
    let k = seen.get(node);
    for (; k < own.length && own[k] <= last.get(node); k += 1) {
      if (model.sending[own[k]] >= 0) raise(model.sending[own[k]]);
    }
    seen.set(node, k);
  }
  return last;
}

// The causal future: for each node the first of its events that this one could have led to (Infinity: none).
function futureOf(i) {
  const first = new Map(data.nodes.map((node) => [node, Infinity]));
  const seen = new Map(data.nodes.map((node) => [node, model.byNode.get(node).length]));
  const open = [];
  const lower = (event) => {
    const node = model.nodes[event];
    if (isOfNode(data.kinds[kindAt(event)]) && event < first.get(node)) {
      first.set(node, event);
      open.push(node);
    }
  };
  if (isOfNode(data.kinds[kindAt(i)])) lower(i);
  while (open.length) {
    const node = open.pop();
    const own = model.byNode.get(node);
    let k = seen.get(node) - 1;
    for (; k >= 0 && own[k] >= first.get(node); k -= 1) {
      if (data.kinds[kindAt(own[k])] === "sent") arrivals(own[k]).forEach(lower);
    }
    seen.set(node, k + 1);
  }
  return first;
}
