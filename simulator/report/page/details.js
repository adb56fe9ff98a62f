// The selected event in words, with ways to its causes and effects; and the tooltip.

const live = el("div", { class: "live", "aria-live": "polite", role: "status" });
const panel = el("div", { class: "panel" });
const tooltip = el("div", { class: "tooltip", hidden: true });

function drawPanel() {
  const i = view.selected;
  panel.replaceChildren();
  if (i < 0) {
    panel.append(el("p", { class: "soft" }, "Nothing is selected. Click an event or a message, or use the arrow keys on the diagram."));
    return;
  }
  const links = el("ul", { class: "links" });
  const add = (name, event) => links.append(el("li", {}, el("button", { type: "button", onclick: () => select(event) }, name), " ", isolated(sentence(event))));
  if (model.sending[i] >= 0) add("it was sent", model.sending[i]);
  const own = model.byNode.get(model.nodes[i]) ?? [];
  const at = model.place[i];
  if (isOfNode(data.kinds[kindAt(i)])) {
    if (at > 0) add("before it here", own[at - 1]);
    if (at + 1 < own.length) add("after it here", own[at + 1]);
  }
  const ends = data.kinds[kindAt(i)] === "sent" ? arrivals(i) : [];
  for (const end of ends) add(data.kinds[kindAt(end)] === "lost" ? "it was lost" : "it arrived", end);
  if (data.kinds[kindAt(i)] === "sent" && ends.length < targets(i).length) {
    links.append(el("li", { class: "soft" }, `${targets(i).length - ends.length} of its copies neither arrived nor were lost before the end.`));
  }
  panel.append(
    el("p", {}, el("strong", {}, `Event ${i + 1} of ${model.count}`), ", ", el("code", {}, data.kinds[kindAt(i)]), ", causal stamp ", model.clocks[i], "; line ", i + 2, " of the trace."),
    el("p", { class: "event" }, isolated(sentence(i))), links);
  if (view.past || view.future) {
    const count = { past: 0, future: 0 };
    for (const node of data.nodes) {
      for (const event of model.byNode.get(node)) {
        if (view.past && event <= view.past.get(node)) count.past += 1;
        if (view.future && event >= view.future.get(node)) count.future += 1;
      }
    }
    const parts = [];
    if (view.past) parts.push(`${count.past} events could have led to it`);
    if (view.future) parts.push(`it could have led to ${count.future} events`);
    panel.append(el("p", {}, `${parts.join("; ")}, itself included. All others are pale.`));
  }
}

function announce(text) {
  live.textContent = text;
}

function tip(text, x, y) {
  tooltip.hidden = !text;
  if (!text) return;
  tooltip.replaceChildren(isolated(text));
  const wide = Math.min(460, window.innerWidth - 20);
  tooltip.style.maxWidth = `${wide}px`;
  tooltip.style.left = `${clamp(x + 14, 4, Math.max(4, window.innerWidth - tooltip.offsetWidth - 8))}px`;
  tooltip.style.top = `${y + 18}px`;
}
