// Charts of the whole run: latency over time and its distribution, throughput, and the growth of the chains.

const CHART = { width: 560, height: 230, left: 58, right: 16, top: 14, bottom: 34 };
const answered = data.operations
  .filter(([, , , outcome, , , returned]) => returned >= 0 && outcome !== "info" && outcome !== "fail")
  .map(([, f, text, outcome, , invoked, returned, , , local]) => ({
    at: model.at[returned], ms: model.at[returned] - model.at[invoked], text, f, outcome, local,
  }));

function chart(title, describe, horizontal, vertical, draw) {
  const { width, height, left, right, top, bottom } = CHART;
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}. ${describe}` });
  const x = (value) => left + ((horizontal.value ?? ((v) => v))(value) - horizontal.from) / (horizontal.to - horizontal.from || 1) * (width - left - right);
  const y = (value) => height - bottom - ((vertical.value ?? ((v) => v))(value) - vertical.from) / (vertical.to - vertical.from || 1) * (height - top - bottom);
  for (const tick of vertical.ticks) {
    picture.append(svg("line", { x1: left, x2: width - right, y1: y(tick), y2: y(tick), class: "grid" }));
    picture.append(svg("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, vertical.name(tick)));
  }
  for (const tick of horizontal.ticks) {
    picture.append(svg("text", { x: x(tick), y: height - bottom + 16, "text-anchor": "middle" }, horizontal.name(tick)));
  }
  picture.append(svg("line", { x1: left, x2: width - right, y1: height - bottom, y2: height - bottom, class: "axis" }));
  picture.append(svg("text", { x: width - right, y: height - 3, "text-anchor": "end" }, horizontal.label));
  picture.append(svg("text", { x: left, y: 10 }, vertical.label));
  draw(picture, x, y);
  return el("figure", {}, el("figcaption", {}, el("strong", {}, title), " ", describe), picture);
}

const ofTime = () => ({ from: 0, to: Math.max(data.end, 1), ticks: steps(0, data.end, 6), name: seconds, label: "time" });
const quantile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;

function logarithmic(values, label) {
  const high = Math.max(1, ...values.slice(0, 1), values.reduce((a, b) => Math.max(a, b), 1));
  const ticks = [];
  for (let tick = 1; tick <= high * 1.0001 || ticks.length < 2; tick *= 10) ticks.push(tick);
  return { from: 0, to: Math.log10(Math.max(high, ticks[ticks.length - 1])) + 0.05, value: (v) => Math.log10(Math.max(v, 1)), ticks,
    name: seconds, label };
}

function buckets(count) {
  const wide = Math.max(data.end, 1) / count;
  const found = Array.from({ length: count }, () => []);
  for (const answer of answered) found[clamp(Math.floor(answer.at / wide), 0, count - 1)].push(answer.ms);
  return { wide, found };
}

function latencyChart() {
  const vertical = logarithmic(answered.map((answer) => answer.ms), "from call to answer");
  const many = answered.length > 1500;
  const describe = many ? "Median (line) and slowest (dashes) in each stretch of time." : "A dot an answer; a square one that was refused, a small dot a local read.";
  return chart("Latency over time.", describe, ofTime(), vertical, (picture, x, y) => {
    if (!many) {
      for (const { at, ms, outcome, local, text } of answered) {
        const dot = outcome === "refused"
          ? svg("rect", { x: x(at) - 3.5, y: y(ms) - 3.5, width: 7, height: 7, class: "refused" })
          : svg("circle", { cx: x(at), cy: y(ms), r: local ? 1.8 : 3.2, class: "answer" });
        dot.append(svg("title", {}, `${seconds(ms)}: ${text}`));
        picture.append(dot);
      }
      return;
    }
    const { wide, found } = buckets(80);
    for (const [part, dash] of [[0.5, ""], [1, "5 3"]]) {
      const points = found.map((list, k) => [k, quantile([...list].sort((a, b) => a - b), part), list.length]).filter((point) => point[2]);
      picture.append(svg("polyline", { points: points.map(([k, ms]) => `${x((k + 0.5) * wide)},${y(ms)}`).join(" "), class: "line",
        "stroke-dasharray": dash }));
    }
  });
}

function distributionChart() {
  const sorted = answered.map((answer) => answer.ms).sort((a, b) => a - b);
  const horizontal = logarithmic(sorted, "from call to answer");
  const marks = [[0.5, "half"], [0.9, "90 %"], [0.99, "99 %"]].map(([part, name]) => [quantile(sorted, part), name]);
  const describe = `Half of the answers within ${seconds(marks[0][0])}, 90 % within ${seconds(marks[1][0])}, 99 % within ${seconds(marks[2][0])}.`;
  const vertical = { from: 0, to: 1, ticks: [0, 0.25, 0.5, 0.75, 1], name: (part) => `${part * 100} %`, label: "answers so fast or faster" };
  return chart("Distribution of latency.", describe, horizontal, vertical, (picture, x, y) => {
    const every = Math.max(1, Math.floor(sorted.length / 400));
    const points = [];
    sorted.forEach((ms, k) => {
      if (k % every === 0 || k === sorted.length - 1) points.push(`${x(ms)},${y((k + 1) / sorted.length)}`);
    });
    picture.append(svg("polyline", { points: points.join(" "), class: "line" }));
    marks.forEach(([ms, name], k) => {
      picture.append(svg("line", { x1: x(ms), x2: x(ms), y1: y(0), y2: y(1), class: "markline", "stroke-dasharray": ["", "6 3", "2 3"][k] }));
      picture.append(svg("text", { x: x(ms) + 3, y: y(0.08 + 0.1 * k) }, name));
    });
  });
}

function throughputChart() {
  const count = clamp(Math.ceil(data.end / 100), 1, 100);
  const { wide, found } = buckets(count);
  const rates = found.map((list) => (list.length * 1000) / wide);
  const high = Math.max(1, ...rates);
  const vertical = { from: 0, to: high, ticks: steps(0, high, 4), name: trim, label: "answers a second" };
  return chart("Throughput.", `${answered.length} answers; a bar stands for ${seconds(wide)}.`, ofTime(), vertical, (picture, x, y) => {
    rates.forEach((rate, k) => {
      if (rate) picture.append(svg("rect", { x: x(k * wide), y: y(rate), width: Math.max(1, x(wide) - x(0) - 0.5), height: y(0) - y(rate), class: "bar" }));
    });
  });
}

function growthChart() {
  const high = Math.max(1, ...Object.values(data.heights).map((list) => list.reduce((top, [, height]) => Math.max(top, height), 0)));
  const vertical = { from: 0, to: high, ticks: steps(0, high, 4).filter(Number.isInteger), name: trim, label: "blocks" };
  return chart("Growth of the chains.", "A line a node; its number stands where it ends.", ofTime(), vertical, (picture, x, y) => {
    for (const node of data.nodes) {
      const list = data.heights[node];
      const every = Math.max(1, Math.floor(list.length / 600));
      let path = "";
      list.forEach(([event, height], k) => {
        if (k % every && k !== list.length - 1) return;
        path += path ? `H${x(model.at[event])}V${y(height)}` : `M${x(model.at[event])},${y(height)}`;
      });
      if (!path) continue;
      const last = list[list.length - 1][1];
      const line = svg("path", { d: `${path}H${x(data.end)}`, class: "growth", "stroke-dasharray": DASHES[(node - 1) % 9].join(" ") });
      line.style.stroke = `var(--node-${((node - 1) % 9) + 1})`;
      line.append(svg("title", {}, `node ${node}: ${last} blocks`));
      picture.append(line, svg("text", { x: x(data.end) - 10 * (data.nodes.length - node) - 4, y: y(last) - 4, "text-anchor": "end" }, String(node)));
    }
  });
}

function chartsSection() {
  const figures = answered.length ? [latencyChart(), distributionChart(), throughputChart(), growthChart()] : [growthChart()];
  const heights = data.nodes.map((node) => {
    const list = data.heights[node];
    return [`node ${node}`, list.length ? list[list.length - 1][1] : 0];
  });
  const sorted = answered.map((answer) => answer.ms).sort((a, b) => a - b);
  const numbers = [["answers", answered.length], ...[0, 0.5, 0.9, 0.99, 1].map((part) => [
    { 0: "fastest", 0.5: "median", 0.9: "90 % within", 0.99: "99 % within", 1: "slowest" }[part], seconds(quantile(sorted, part))])];
  return el("section", {}, el("h2", {}, "Latency, throughput, growth"), el("div", { class: "charts" }, figures),
    el("details", {}, el("summary", {}, "The same in numbers"),
      el("table", {}, el("tbody", {}, [...numbers, ...heights.map(([name, height]) => [`height of ${name}`, height])].map(([name, value]) =>
        el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))))));
}
