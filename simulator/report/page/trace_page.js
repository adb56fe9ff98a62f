// The page of a trace: its parts, its buttons and its keys.

const KEYS = [
  ["← →", "the event before, after, at the same node"], ["↑ ↓", "the node above, below"], ["Enter", "follow the message: to where it arrived, or was sent"],
  ["+ −", "zoom in, out"], ["Shift ← →", "move the view"], ["0", "the whole run"], ["Home End", "the first, last event"],
  ["p f b", "show the causal past, future, both"], ["Esc", "show all again"], ["n N", "next, previous election"], ["d D", "decision"],
  ["x X", "fault"], ["l L", "lost message"], ["v V", "event of a violation's proof"], ["o", "by time or by order of events"], ["/", "search"],
];

const lost = [];
for (let i = 0; i < model.count; i += 1) if (data.kinds[kindAt(i)] === "lost") lost.push(i);
const refused = data.operations.filter((operation) => ["refused", "info", "fail"].includes(operation[3])).map((operation) => operation[6]).sort((a, b) => a - b);
const JUMPS = {
  election: () => data.elections, decision: () => data.slots.map(([, event]) => event).sort((a, b) => a - b), fault: () => data.faults,
  loss: () => lost, refusal: () => refused, proof: () => view.evidence,
};

function jump(what, forward) {
  const list = JUMPS[what]();
  const here = view.selected >= 0 ? view.selected : -1;
  const next = forward ? list.find((i) => i > here) : list.filter((i) => i < here).pop();
  const chosen = next ?? (forward ? list[0] : list[list.length - 1]);
  if (chosen === undefined) announce(`There is no ${what} in this run.`);
  else {
    visit(chosen);
    announce(sentence(chosen));
  }
}

function walk(node, forward) {
  const own = model.byNode.get(node) ?? [];
  if (!own.length) return;
  const here = view.selected;
  let at = lowerBound(own.length, here, (k) => own[k]);
  if (own[at] === here) at += forward ? 1 : -1;
  else if (!forward) at -= 1;
  select(own[clamp(at, 0, own.length - 1)]);
  announce(sentence(view.selected));
}

function follow() {
  const i = view.selected;
  if (i < 0) return;
  const [next] = model.sending[i] >= 0 ? [model.sending[i]] : arrivals(i);
  if (next !== undefined) {
    select(next);
    announce(sentence(next));
  }
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const node = (view.selected >= 0 && model.nodes[view.selected]) || data.nodes[0];
  const at = data.nodes.indexOf(node);
  const key = event.key;
  const actions = {
    ArrowRight: () => (event.shiftKey ? pan(0.25) : walk(node, true)), ArrowLeft: () => (event.shiftKey ? pan(-0.25) : walk(node, false)),
    ArrowDown: () => walk(data.nodes[Math.min(at + 1, data.nodes.length - 1)], true), ArrowUp: () => walk(data.nodes[Math.max(at - 1, 0)], false),
    Enter: follow, "+": () => zoom(0.6, center()), "=": () => zoom(0.6, center()), "-": () => zoom(1 / 0.6, center()), 0: showAll,
    Home: () => select(0), End: () => select(model.count - 1), p: () => cone("past"), f: () => cone("future"), b: () => cone("both"),
    Escape: () => cone("none"), n: () => jump("election", true), N: () => jump("election", false), d: () => jump("decision", true),
    D: () => jump("decision", false), x: () => jump("fault", true), X: () => jump("fault", false), l: () => jump("loss", true),
    L: () => jump("loss", false), v: () => jump("proof", true), V: () => jump("proof", false), o: () => order(!view.byOrder),
    "/": () => document.getElementById("search").focus(),
  };
  if (actions[key]) {
    event.preventDefault();
    actions[key]();
  }
}

const center = () => {
  const at = view.selected >= 0 ? positionOf(view.selected) : NaN;
  return at > view.from && at < view.to ? at : undefined;
};

function cone(which) {
  view.cone = view.cone === which ? "none" : which;
  lightUp();
  changed();
}

function order(byOrder) {
  setOrder(byOrder);
  orderBox.checked = byOrder;
}
const orderBox = el("input", { type: "checkbox", id: "order", onchange: () => order(orderBox.checked) });

function toolbar() {
  const button = (name, action, title = "") => el("button", { type: "button", title, onclick: action }, name);
  const bar = el("div", { class: "tools", role: "toolbar", "aria-label": "Diagram" },
    button("−", () => zoom(1 / 0.6), "zoom out"), button("+", () => zoom(0.6), "zoom in"), button("◀", () => pan(-0.5), "earlier"),
    button("▶", () => pan(0.5), "later"), button("whole run", showAll), el("label", {}, orderBox, " by order of events"));
  for (const what of Object.keys(JUMPS)) {
    if (what === "proof" ? data.violations.length : JUMPS[what]().length) bar.append(button(`next ${what}`, () => jump(what, true)));
  }
  bar.append(button("past", () => cone("past"), "what could have led to the selected event"), button("future", () => cone("future")), button("all", () => cone("none")));
  return bar;
}

function legend() {
  const families = el("div", { class: "tools legend", role: "group", "aria-label": "Kinds of messages that are drawn" });
  const examples = { election: "PREPARE, PROMISE …", replication: "ACCEPT, ACCEPTED, DECIDE", client: "FORWARD …", "catch-up": "CATCHUP …", routine: "HEARTBEAT …" };
  for (const family of FAMILIES) {
    const box = el("input", { type: "checkbox", checked: true, onchange: () => { view.hidden[box.checked ? "delete" : "add"](family); changed(); } });
    families.append(el("label", {}, box, el("span", { class: `swatch ${family}` }), ` ${family} (${examples[family]})`));
  }
  families.append(el("span", { class: "soft" }, "■ block applied · ◇ answer · △ call · ✕ lost, or a process that ended · ○ a start · | record, – sync · thick band: leader · hatched: down, paused, cut"));
  return families;
}

function watchPointer(state, at, told) {
  const { canvas } = state;
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, from: view.from, to: view.to, moved: false };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag) {
      const part = ((drag.x - event.clientX) / (state.width - MARGIN - 12)) * (drag.to - drag.from);
      drag.moved = drag.moved || Math.abs(drag.x - event.clientX) > 3;
      if (drag.moved) show(drag.from + part, drag.to + part);
      tip("", 0, 0);
      return;
    }
    const found = at(event.offsetX, event.offsetY, state.width);
    canvas.style.cursor = found >= 0 ? "pointer" : "grab";
    tip(found >= 0 ? told(found) : "", event.clientX, event.clientY);
  });
  canvas.addEventListener("pointerup", (event) => {
    const moved = drag && drag.moved;
    drag = null;
    if (moved) return;
    const found = at(event.offsetX, event.offsetY, state.width);
    if (found >= 0) {
      const i = state === diagram ? found : data.operations[found][5];
      select(i);
      announce(told(found));
    }
  });
  canvas.addEventListener("pointerleave", () => tip("", 0, 0));
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.shiftKey && Math.abs(event.deltaX) < Math.abs(event.deltaY) && document.activeElement !== canvas) return;
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan((event.deltaX || event.deltaY) / 1500);
    else zoom(Math.exp(clamp(event.deltaY, -200, 200) / 300), positionAt(event.offsetX, state.width));
  }, { passive: false });
  canvas.addEventListener("keydown", onKey);
}

function checksSection() {
  const bad = data.checks.filter((check) => check[1] !== "ok");
  const told = bad.length === 0 ? "Every check held." : `${bad.length} of ${data.checks.length} checks did not hold.`;
  const signs = { ok: "✓ holds", violated: "✗ violated", unknown: "? not settled" };
  return el("section", {}, el("h2", {}, "Checks"), el("p", {}, told),
    el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "invariant"), el("th", { scope: "col" }, "verdict"), el("th", { scope: "col" }, "why"))),
      el("tbody", {}, data.checks.map(([name, verdict, why]) => el("tr", { class: verdict }, el("th", { scope: "row" }, name), el("td", {}, signs[verdict] ?? verdict), el("td", {}, isolated(why)))))),
    el("details", {}, el("summary", {}, "What the checks had to do"), el("table", {}, el("tbody", {},
      Object.entries(data.occasions).map(([name, count]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, count)))))));
}

function violationsSection() {
  if (!data.violations.length) return null;
  const section = el("section", { class: "violations" }, el("h2", {}, "What went wrong"));
  data.violations.forEach((violation, number) => {
    const showIt = () => {
      view.evidence = violation.events;
      const positions = violation.events.map(positionOf);
      view.selected = violation.at;
      lightUp();
      const [low, high] = [Math.min(...positions), Math.max(...positions)];
      show(low - (high - low + 2) * 0.08, high + (high - low + 2) * 0.08);
    };
    section.append(el("article", {}, el("h3", {}, `✗ ${violation.name}`), el("p", {}, isolated(violation.why)),
      violation.rule ? el("p", {}, el("strong", {}, "Where it first went wrong: "), isolated(violation.rule)) : null,
      el("p", { class: "tools" }, violation.first < 0 ? null : el("button", { type: "button", onclick: () => { view.evidence = violation.events; visit(violation.first); diagram.canvas.scrollIntoView({ block: "center" }); } }, "show where it first went wrong"), " ",
        el("button", { type: "button", onclick: () => { showIt(); diagram.canvas.scrollIntoView({ block: "center" }); } }, "show the proof in the diagram")),
      el("details", { open: number === 0 }, el("summary", {}, `The ${violation.events.length} events that prove it`),
        el("ol", {}, violation.events.map((event, k) => el("li", { class: event === violation.first ? "first breaking" : event === violation.at ? "breaking" : "" },
          el("button", { type: "button", onclick: () => { view.evidence = violation.events; visit(event); diagram.canvas.focus(); } }, "show"), " ", isolated(violation.told[k])))))));
    if (number === 0) view.evidence = violation.events;
  });
  return section;
}

function start() {
  const verdict = data.checks.every((check) => check[1] === "ok") ? "every check held" : `violated: ${data.checks.filter((check) => check[1] === "violated").map((check) => check[0]).join(", ") || "nothing; some checks are not settled"}`;
  document.title = `paxsim: ${data.title}, ${verdict}`;
  const main = el("main", {}, el("header", {}, el("h1", {}, "What happened: ", isolated(data.title)),
    el("p", { class: verdict.startsWith("every") ? "verdict ok" : "verdict violated" }, `${verdict.startsWith("every") ? "✓" : "✗"} ${verdict}`),
    el("dl", {}, data.facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, isolated(value))))),
    data.cut ? el("p", { class: "verdict violated" }, "The recording ended before the run: ", isolated(data.cut)) : null),
  violationsSection(),
  el("section", {}, el("h2", {}, "Space and time"), toolbar(), diagram.canvas, legend(), live, panel,
    el("details", { id: "keys" }, el("summary", {}, "Keys on the diagram"), el("dl", { class: "keys" }, KEYS.map(([key, does]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)))),
      el("p", {}, "Drag to move, turn the wheel on the focused diagram to zoom, click to select."))),
  data.operations.length ? el("section", { id: "clients" }, el("h2", {}, "What the clients did"),
    el("p", { class: "soft" }, "A bar a call, from call to answer; the pin marks the moment at which it took effect, a dot a read from a node's own copy. A broken outline: refused (long dashes), or of unknown outcome (dots)."),
    operations.canvas) : null);
  document.body.append(main, tooltip);
  view.listeners.push(diagram.ask, operations.ask, drawPanel);
  watchPointer(diagram, eventAt, sentence);
  watchPointer(operations, operationAt, operationSentence);
  new ResizeObserver(changed).observe(main);
  const redraw = () => { palette = null; diagram.draw(); operations.draw(); };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  const printing = (wide) => () => {
    diagram.printing = operations.printing = wide;
    document.documentElement.classList.toggle("printing", Boolean(wide));
    redraw();
  };
  addEventListener("beforeprint", printing(1000));
  addEventListener("afterprint", printing(0));
  [view.from, view.to] = extent();
  drawPanel();
  diagram.draw();
  operations.draw();
  // The rest follows when the first picture stands.
  setTimeout(() => {
    document.getElementById("clients")?.append(operationsSection());
    main.append(chartsSection(), checksSection(), listSection());
    document.documentElement.dataset.complete = "yes";
  }, 30);
  window.paxsim = { data, model, view, diagram, operations, show, zoom, pan, showAll, select, visit, firstPicture: performance.now() };
}

start();
