// Quality against cost, and the settings of which none is better in both.
//
// Of a search a dot is a trial, and of a sweep with several seeds or pictures a choice of settings: the mean of its
// points. All of it goes by `contenders`.

const BOLD = 1.1; // times as wide: any of the names may be the answer's

/**
 * What is set against each other: the points; of a search its trials, and where settings were drawn several times the
 * choices of settings, each with all its points.
 */
function contenders() {
  if (data.search) {
    return data.search.trials.map(({ name, points }) => {
      return makeContender(
        name,
        points.map((number) => pointsByNumber.get(number)),
      );
    });
  }
  const chosen = chosenParameters();
  if (chosen.length === 0 || chosen.length === data.parameters.length) {
    return data.points.map((point) => makeContender(point.name, [point]));
  }
  const bySettings = Map.groupBy(data.points, (point) => saySettings(point, chosen));
  return [...bySettings].map(([name, points]) => makeContender(name, points));
}

/** The settings among what is swept: all but what is drawn, such as seeds. */
function chosenParameters() {
  const drawn = data.findings?.draws ?? [];
  return data.parameters.filter(({ key }) => !drawn.includes(key));
}

function makeContender(name, points) {
  return { number: points[0].number, name, points };
}

/** The mean of a metric over the points of a contender; null where one lacks it. */
function meanOf({ points }, metric) {
  const values = points.map((point) => measureOf(point, metric));
  return values.includes(null) ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Those that no other is at least as good as in both, and better in one. Cheapest first. */
function paretoFront(candidates, quality, cost) {
  const gain = (one) => (quality.better === "higher" ? 1 : -1) * meanOf(one, quality);
  const price = (one) => (cost.better === "higher" ? -1 : 1) * meanOf(one, cost);
  const beats = (one, other) =>
    gain(one) >= gain(other) && price(one) <= price(other) && (gain(one) > gain(other) || price(one) < price(other));
  return candidates
    .filter((one) => !candidates.some((rival) => beats(rival, one)))
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
  const sought = data.search?.objectives ?? [];
  const choice = {
    quality: preferred(qualities, ...sought, "mouth_r", "psnr"),
    cost: preferred(costs, ...sought, "seconds"),
  };
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
  const all = contenders();
  const drawn = all.filter((one) => meanOf(one, quality) !== null && meanOf(one, cost) !== null);
  const front = paretoFront(drawn, quality, cost);
  find("pareto-remark").textContent = sayFront(front, drawn.length, all.length);
  if (drawn.length === 0) {
    container.replaceChildren();
    return;
  }
  const points = drawn.flatMap((one) => one.points);
  const values = points.map((point) => measureOf(point, quality));
  const costs = points.map((point) => measureOf(point, cost));
  const width = container.clientWidth - 32;
  const height = clamp(Math.round(width * 0.42), 320, 520);
  const chart = makeChart(width, height, { left: marginFor(values) + 6, right: 20, top: 24, bottom: 26 }, (box) => ({
    x: metricAxis(costs, box.left, box.right, clamp(Math.round(width / 130), 4, 10)),
    y: metricAxis(values, box.bottom, box.top, 6),
  }));
  chart.svg.setAttribute("aria-label", `${quality.name} against ${cost.name}`);
  const place = (one) => [chart.x.at(meanOf(one, cost)), chart.y.at(meanOf(one, quality))];
  chart.lines.append(
    makeSvg("polyline", { class: "front", points: front.map((one) => place(one).join(",")).join(" ") }),
  );
  const isOn = new Set(front);
  for (const one of [...drawn.filter((other) => !isOn.has(other)), ...front]) {
    const kind = isOn.has(one) ? "on-front" : "off-front";
    chart.lines.append(...drawSpread(chart, one, quality, cost, place(one), kind));
    addDot(chart, one.points[0], meanOf(one, cost), meanOf(one, quality), 0, { class: kind });
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

/** How many are on the front; of a search also which settings those are, and what a dot stands for. */
function sayFront(front, drawn, all) {
  const averages = front.some(({ points }) => points.length > 1);
  const kind = data.search ? "trial" : averages ? "choice" : "point";
  const are = (count) => (count === 1 ? "is" : "are");
  const left = all - drawn;
  const sentences = [
    `${front.length} of ${sayCount(drawn, kind)} ${are(front.length)} on the front: no other is better in both.`,
    left > 0 ? `${sayCount(left, kind)} without both ${are(left)} not drawn.` : "",
  ];
  if (averages && !data.search) {
    const names = data.findings.draws.map((key) => parametersByKey.get(key).name).join(" and ");
    sentences.push(`A dot is the mean over ${names}; its lines span the points.`);
  }
  if (data.search) {
    const { asked, averaged, trials } = data.search;
    const again = asked - trials.length;
    const over = averaged.length ? `, over ${averaged.map((key) => parametersByKey.get(key).name).join(" and ")}` : "";
    const count = Math.max(...trials.map(({ points }) => points.length));
    sentences.push(
      again > 0 ? `${sayCount(asked, "trial")} were asked for, ${again} of them of settings that were known.` : "",
      count > 1 ? `A dot is the mean of the ${count} points of a trial${over}; its lines span them.` : "",
      front.length > 0 ? `On the front, from the cheapest: ${front.map(({ name }) => name).join("; ")}.` : "",
      trials.length > 1 ? "The best of many owe a part of it to chance: make them again with other seeds." : "",
    );
  }
  return sentences.filter(Boolean).join(" ");
}

/** Lines from the least to the greatest of several points. */
function drawSpread(chart, { points }, quality, cost, [x, y], kind) {
  const ends = (metric, axis) => {
    const places = points.map((point) => axis.at(measureOf(point, metric)));
    return [Math.min(...places), Math.max(...places)];
  };
  const [left, right] = ends(cost, chart.x);
  const [top, bottom] = ends(quality, chart.y);
  const lines = [
    { x1: left, x2: right, y1: y, y2: y },
    { x1: x, x2: x, y1: top, y2: bottom },
  ];
  return points.length > 1 ? lines.map((line) => makeSvg("line", { class: `spread ${kind}`, ...line })) : [];
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
