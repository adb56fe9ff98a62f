// What is in view: a part of the run, by time or by order of events. All drawings share it.

const view = {
  byOrder: false,
  from: 0,
  to: 1,
  selected: -1,
  cone: "none", // Which events stand out: "past", "future", "both" or "none" (all).
  past: null,
  future: null,
  evidence: [],
  hidden: new Set(), // Families of messages that are not drawn.
  listeners: [],
};

const MARGIN = 74; // Room for the names of lanes.

const positionOf = (i) => (view.byOrder ? i : model.shownAt[i]);
const span = () => view.to - view.from;
const extent = () => (view.byOrder ? [0, Math.max(model.count, 1)] : [Math.min(0, model.shownAt[0] ?? 0), Math.max(data.end + 1, 1)]);

function screenX(position, width) {
  return MARGIN + ((position - view.from) / span()) * (width - MARGIN - 12);
}

function positionAt(x, width) {
  return view.from + ((x - MARGIN) / (width - MARGIN - 12)) * span();
}

// The position of a moment in milliseconds.
function positionOfTime(ms) {
  return view.byOrder ? lowerBound(model.count, ms, (i) => model.shownAt[i]) : ms;
}

function timeAt(position) {
  return view.byOrder ? model.at[clamp(Math.round(position), 0, model.count - 1)] ?? 0 : position;
}

function changed() {
  for (const listener of view.listeners) listener();
}

function show(from, to) {
  const [first, last] = extent();
  const least = view.byOrder ? 8 : 0.5;
  const whole = (last - first) * 1.04;
  const wide = clamp(to - from, Math.min(least, whole), whole);
  const slack = wide * 0.04;
  const begin = clamp((from + to - wide) / 2, first - slack, Math.max(first - slack, last + slack - wide));
  view.from = begin;
  view.to = begin + wide;
  changed();
}

const showAll = () => show(...extent());
const pan = (part) => show(view.from + span() * part, view.to + span() * part);

function zoom(factor, around = (view.from + view.to) / 2) {
  show(around - (around - view.from) * factor, around + (view.to - around) * factor);
}

function select(i, bring = true) {
  view.selected = clamp(i, -1, model.count - 1);
  lightUp();
  if (bring && i >= 0) {
    const position = positionOf(i);
    if (position < view.from + span() * 0.05 || position > view.to - span() * 0.05) {
      show(position - span() / 2, position + span() / 2);
      return;
    }
  }
  changed();
}

// Go near to an event: so near that the messages around it can be told apart.
function visit(i) {
  const wide = view.byOrder ? 60 : Math.min(span(), nearness());
  view.selected = i;
  lightUp();
  show(positionOf(i) - wide / 2, positionOf(i) + wide / 2);
}

// So many milliseconds hold about two hundred events.
const nearness = () => Math.max(8, (200 * data.end) / Math.max(model.count, 1));

function lightUp() {
  const on = view.selected >= 0;
  view.past = on && ["past", "both"].includes(view.cone) ? pastOf(view.selected) : null;
  view.future = on && ["future", "both"].includes(view.cone) ? futureOf(view.selected) : null;
}

// Whether an event stands out: always, unless the past or the future of another is shown.
function isLit(i) {
  if (!view.past && !view.future) return true;
  const node = model.nodes[i];
  if (i === view.selected) return true;
  return Boolean((view.past && i <= (view.past.get(node) ?? -1)) || (view.future && i >= (view.future.get(node) ?? Infinity)));
}

function setOrder(byOrder) {
  if (view.byOrder === byOrder) return;
  const times = [timeAt(view.from), timeAt(view.to)];
  view.byOrder = byOrder;
  show(positionOfTime(times[0]), Math.max(positionOfTime(times[1]), positionOfTime(times[0]) + 1));
}
