// Quality against cost, and the settings of which none is better in both.

const BOLD = 1.1; // times as wide: any of the names may be the answer's

/** The points that no other is at least as good as in both, and better in one. Cheapest first. */
function paretoFront(points, quality, cost) {
  const gain = (point) => (quality.better === "higher" ? 1 : -1) * measureOf(point, quality);
  const price = (point) => (cost.better === "higher" ? -1 : 1) * measureOf(point, cost);
  const beats = (one, other) =>
    gain(one) >= gain(other) && price(one) <= price(other) && (gain(one) > gain(other) || price(one) < price(other));
  return points
    .filter((point) => !points.some((rival) => beats(rival, point)))
    .sort((one, other) => price(one) - price(other) || one.number - other.number);
}

function buildPareto() {
  const measured = (metric) => data.points.some((point) => measureOf(point, metric) !== null);
  const qualities = rankedMetrics("quality").filter(measured);
  const costs = data.metrics.filter((metric) => ["time", "memory"].includes(metric.kind)).filter(measured);
  if (qualities.length === 0 || costs.length === 0) {
    find("pareto").hidden = true;
    find("pareto-remark").textContent = `No ${qualities.length === 0 ? "quality" : "cost"} has been measured.`;
    [find("pareto-quality"), find("pareto-cost")].forEach((select) => (select.disabled = true));
    return;
  }
  const choice = { quality: preferred(qualities, "mouth_r", "psnr"), cost: preferred(costs, "seconds") };
  const draw = () => drawPareto(choice.quality, choice.cost);
  wireChoice("quality", qualities, choice, draw);
  wireChoice("cost", costs, choice, draw);
  drawAtWidth(find("pareto"), draw);
}

function wireChoice(role, metrics, choice, draw) {
  const select = find(`pareto-${role}`);
  fillSelect(
    select,
    metrics.map((metric) => [metric.key, metric.name]),
    choice[role].key,
  );
  select.addEventListener("change", () => {
    choice[role] = metricsByKey.get(select.value);
    draw();
  });
}

function drawPareto(quality, cost) {
  const container = find("pareto");
  const points = data.points.filter((point) => measureOf(point, quality) !== null && measureOf(point, cost) !== null);
  const front = paretoFront(points, quality, cost);
  const left = data.points.length - points.length;
  const are = (count) => (count === 1 ? "is" : "are");
  const omitted = left > 0 ? ` ${sayCount(left, "point")} without both ${are(left)} not drawn.` : "";
  find("pareto-remark").textContent =
    `${front.length} of ${sayCount(points.length, "point")} ${are(front.length)} on the front: ` +
    `no other is better in both.${omitted}`;
  if (points.length === 0) {
    container.replaceChildren();
    return;
  }
  const values = points.map((point) => measureOf(point, quality));
  const costs = points.map((point) => measureOf(point, cost));
  const width = container.clientWidth - 32;
  const height = clamp(Math.round(width * 0.42), 320, 520);
  const chart = makeChart(width, height, { left: marginFor(values) + 6, right: 20, top: 24, bottom: 26 }, (box) => ({
    x: metricAxis(costs, box.left, box.right, clamp(Math.round(width / 130), 4, 10)),
    y: metricAxis(values, box.bottom, box.top, 6),
  }));
  chart.svg.setAttribute("aria-label", `${quality.name} against ${cost.name}`);
  const place = (point) => [chart.x.at(measureOf(point, cost)), chart.y.at(measureOf(point, quality))];
  chart.lines.append(
    makeSvg("polyline", { class: "front", points: front.map((point) => place(point).join(",")).join(" ") }),
  );
  const isOn = new Set(front);
  for (const point of [...points.filter((one) => !isOn.has(one)), ...front]) {
    const kind = isOn.has(point) ? "on-front" : "off-front";
    addDot(chart, point, measureOf(point, cost), measureOf(point, quality), 0, { class: kind });
  }
  chart.svg.append(labelFront(chart, front, place));
  container.replaceChildren(
    make(
      "p",
      { class: "chart-title" },
      sayMetric(quality),
      make("span", { class: "better" }, quality.better === "higher" ? "↑ better" : "↓ better"),
    ),
    make("div", { "data-tips": true }, chart.svg),
    make("p", { class: "chart-foot" }, sayMetric(cost), make("span", { class: "better" }, "← better")),
  );
  markAll(container);
}

/** Names beside the front, as many as find room: its ends first. The others are named when they are pointed at. */
function labelFront(chart, front, place) {
  const group = makeSvg("g", { class: "labels" });
  const taken = [...front.map((point) => boxAround(place(point), 6)), ...boxesAlong(front.map(place))];
  const ends = [front[0], front.at(-1)];
  for (const point of new Set([...ends, ...front])) {
    const words = shorten(point.name, 44);
    const spot = freeSpot(place(point), widthOf(words) * BOLD, chart.box, taken);
    if (spot) {
      taken.push(spot);
      group.append(makeSvg("text", { x: spot.left, y: spot.bottom - 4, "data-point": point.number }, words));
    }
  }
  return group;
}

function boxAround([x, y], reach) {
  return { left: x - reach, right: x + reach, top: y - reach, bottom: y + reach };
}

/** Small boxes that cover a line: names do not lie across it. */
function boxesAlong(corners) {
  return corners.slice(1).flatMap(([x, y], index) => {
    const [left, top] = corners[index];
    const count = Math.ceil(Math.hypot(x - left, y - top) / 8);
    const along = (share) => [left + (x - left) * share, top + (y - top) * share];
    return Array.from({ length: count }, (_, step) => boxAround(along(step / count), 1));
  });
}

/** A box for a label that touches no other: below right, where a front bulges away, then round about. */
function freeSpot([x, y], width, frame, taken) {
  const height = 16;
  const spots = [
    [x + 9, y + 2],
    [x - width - 9, y - height - 2],
    [x + 9, y - height - 2],
    [x - width - 9, y + 2],
    [x - width / 2, y + 10],
    [x - width / 2, y - height - 9],
  ].map(([left, top]) => ({ left, top, right: left + width, bottom: top + height }));
  const within = (box) =>
    box.left >= frame.left && box.right <= frame.right && box.top >= 2 && box.bottom <= frame.bottom;
  const clear = (box) =>
    taken.every(
      (other) => box.right < other.left || other.right < box.left || box.bottom < other.top || other.bottom < box.top,
    );
  return spots.find((box) => within(box) && clear(box)) ?? null;
}
