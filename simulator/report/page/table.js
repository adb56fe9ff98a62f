// All events as a table, a hundred at a time: the diagram for who reads, searches, or hears the page.

const PAGE = 100;
const listing = { from: 0, wanted: "", matches: null };
const listBody = el("tbody");
const listPlace = el("span", { class: "soft" });

function searched() {
  const wanted = listing.wanted.toLowerCase();
  if (!wanted) return null;
  const found = [];
  for (let i = 0; i < model.count; i += 1) {
    if (`${data.kinds[kindAt(i)]} node ${model.nodes[i]} ${words(i)}`.toLowerCase().includes(wanted)) found.push(i);
  }
  return found;
}

function drawList() {
  const total = listing.matches ? listing.matches.length : model.count;
  listing.from = clamp(listing.from, 0, Math.max(0, total - 1));
  const rows = [];
  for (let k = listing.from; k < Math.min(total, listing.from + PAGE); k += 1) {
    const i = listing.matches ? listing.matches[k] : k;
    rows.push(el("tr", { class: i === view.selected ? "chosen" : "" },
      el("td", {}, el("button", { type: "button", onclick: () => { visit(i); diagram.canvas.focus(); } }, i + 1)),
      el("td", {}, (model.at[i] / 1000).toFixed(3)), el("td", {}, model.nodes[i] || "–"), el("td", {}, data.kinds[kindAt(i)]),
      el("td", {}, isolated(words(i))), el("td", {}, model.clocks[i])));
  }
  listBody.replaceChildren(...rows);
  listPlace.textContent = total ? `${listing.from + 1} to ${Math.min(total, listing.from + PAGE)} of ${total}` : "nothing found";
}

function search(text) {
  listing.wanted = text;
  listing.matches = searched();
  listing.from = 0;
  drawList();
}

function listSection() {
  const turn = (by) => () => { listing.from = Math.max(0, listing.from + by); drawList(); };
  const input = el("input", { type: "search", id: "search", placeholder: "a word, a kind, “node 3”", onchange: () => search(input.value) });
  const section = el("section", { id: "events" }, el("h2", {}, "All events"),
    el("p", { class: "tools" }, el("label", { for: "search" }, "Search "), input,
      el("button", { type: "button", onclick: turn(-PAGE) }, "earlier"), el("button", { type: "button", onclick: turn(PAGE) }, "later"), listPlace),
    el("div", { class: "scroll" }, el("table", { class: "events" },
      el("thead", {}, el("tr", {}, ["event", "seconds", "node", "kind", "what", "stamp"].map((name) => el("th", { scope: "col" }, name)))), listBody)));
  drawList();
  return section;
}

function operationsSection() {
  const list = data.operations;
  const shownRows = list.slice(0, 500).map((operation, k) => el("tr", { class: operation[10] ? "late" : "" },
    el("td", {}, operation[0]), el("td", {}, isolated(operation[2])), el("td", {}, operation[3]),
    el("td", {}, (model.at[operation[5]] / 1000).toFixed(3)), el("td", {}, operation[6] < 0 ? "–" : (model.at[operation[6]] / 1000).toFixed(3)),
    el("td", {}, operation[7] < 0 ? "–" : (model.at[operation[7]] / 1000).toFixed(3)), el("td", {}, operation[8] < 0 ? "–" : operation[8])));
  const more = list.length > 500 ? el("p", { class: "soft" }, `The first 500 of ${list.length}.`) : null;
  return el("details", {}, el("summary", {}, `The ${list.length} operations as a table`), more, el("div", { class: "scroll" }, el("table", {},
    el("thead", {}, el("tr", {}, ["client", "operation", "outcome", "called (s)", "returned (s)", "took effect (s)", "block"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, shownRows))));
}
