// A plot: its frame, its dots, and finding the dot that is meant.

const REACH = 26; // pixels from which a dot is meant
const MANY = 60; // points; from here on their dots are smaller

/** An empty plot. Axes are made for the box that is left: `axes(box)` gives { x, y }. */
function makeChart(width, height, margin, axes) {
  const box = { left: margin.left, right: width - margin.right, top: margin.top, bottom: height - margin.bottom };
  const svg = makeSvg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img" });
  const { x, y } = axes(box);
  svg.append(drawAxes(box, x, y));
  const lines = makeSvg("g", {});
  const dots = makeSvg("g", {});
  svg.append(lines, dots);
  const chart = { svg, box, x, y, lines, dots, places: [] };
  pointAtNearest(chart);
  return chart;
}

function drawAxes(box, x, y) {
  const group = makeSvg("g", { class: "axes" });
  for (const { at, words, title } of x.ticks) {
    const text = makeSvg("text", { x: at, y: box.bottom + 16, "text-anchor": "middle" }, words);
    if (title && title !== words) {
      text.append(makeSvg("title", {}, title));
    }
    group.append(makeSvg("line", { x1: at, x2: at, y1: box.bottom, y2: box.bottom + 4 }), text);
  }
  for (const { at, words } of y.ticks) {
    group.append(
      makeSvg("line", { class: "rule", x1: box.left, x2: box.right, y1: at, y2: at }),
      makeSvg("text", { x: box.left - 7, y: at + 4, "text-anchor": "end" }, words),
    );
  }
  group.append(makeSvg("line", { x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }));
  return group;
}

/** The room that the words of a metric's axis need on its left. */
function marginFor(values) {
  const finite = values.filter(Number.isFinite);
  const { ticks, digits } = niceTicks(...widen(Math.min(...finite), Math.max(...finite)), 4);
  return Math.ceil(Math.max(12, ...ticks.map((tick) => widthOf(sayNumber(tick, digits))))) + 14;
}

/** A dot for a point, `aside` pixels beside its place; infinite values are triangles at the edge. */
function addDot(chart, point, x, y, aside, attributes) {
  const [cx, cy] = [chart.x.at(x) + aside, chart.y.at(y)];
  const baseline = isBaseline(point) ? " is-baseline" : "";
  const common = { ...attributes, "data-point": point.number, class: `dot ${attributes.class ?? ""}${baseline}` };
  chart.dots.append(
    y === Infinity
      ? makeSvg("path", { ...common, d: `M${cx} ${cy - 5}l5 9h-10z` })
      : makeSvg("circle", { ...common, cx, cy, r: data.points.length < MANY ? 4 : 3 }),
  );
  chart.places.push({ number: point.number, x: cx, y: cy });
}

/** Small dots are hard to hit: the nearest one is meant, if it is near. */
function pointAtNearest(chart) {
  const { svg, places } = chart;
  const nearest = (event) => {
    const frame = svg.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    const far = ({ x: left, y: top }) => Math.hypot(left - x, top - y);
    const place = least(places, far);
    return place !== null && far(place) <= REACH ? place.number : null;
  };
  svg.addEventListener("pointermove", (event) => {
    const number = nearest(event);
    if (number !== state.highlighted) {
      highlight(number, svg, event);
    }
  });
  svg.addEventListener("click", (event) => {
    const number = nearest(event);
    if (number !== null) {
      change({ selected: number });
    }
  });
}

/** Colours for the values of a setting: shades for numbers, colours of their own for the rest. */
function coloursOf(parameter) {
  const levels = levelsOf(parameter);
  const shaded = parameter.numeric && levels.length > 2;
  const colour = (index) => {
    if (!shaded) {
      return `var(--series-${(index % 8) + 1})`;
    }
    const share = (index / (levels.length - 1)) * 200;
    return share <= 100
      ? `color-mix(in oklab, var(--shade-middle) ${share}%, var(--shade-low))`
      : `color-mix(in oklab, var(--shade-high) ${share - 100}%, var(--shade-middle))`;
  };
  return new Map(levels.map((level, index) => [level, colour(index)]));
}

/** Call `draw` now, and whenever the element has another width. */
function drawAtWidth(element, draw) {
  let width = 0;
  whenResized(element, () => {
    if (element.clientWidth !== width && element.clientWidth > 0) {
      width = element.clientWidth;
      draw();
    }
  });
}
