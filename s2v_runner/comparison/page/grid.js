// The videos by their settings: one across, one down, a block for each combination of the others.

const CELL_GAP = 14; // pixels beside a card, as in the style sheet
const LEAST_CELL = 120;
const MOST_CELL = 400;
const SPARSE = 0.34; // of the places of a table

function buildGrid(painter) {
  Object.assign(state, defaultAxes());
  state.metric = (preferred(rankedMetrics("quality"), "psnr") ?? data.metrics[0])?.key ?? "";
  const container = find("grid");
  const draw = () => drawGrid(container, painter);
  wireAxes();
  wireSize(container);
  watch(["columns", "rows"], () => {
    state.group = "";
    fillAxes();
  });
  watch(["columns", "rows", "group", "metric"], draw);
  watch(["columns", "rows", "cell"], () => sizeCells(container));
  whenResized(container, () => sizeCells(container));
  fillAxes();
  draw();
  sizeCells(container);
}

/** The setting with the most values across, the next down. Where most places would be empty, one after the other. */
function defaultAxes() {
  const [columns, rows] = varyingParameters().sort((one, other) => levelsOf(other).length - levelsOf(one).length);
  if (rows) {
    const blocks = groupsOf([columns, rows]);
    const places = [...blocks.values()].map((points) => levelsOf(columns).length * presentLevels(rows, points).length);
    if (data.points.length < SPARSE * places.reduce((sum, count) => sum + count, 0)) {
      return { columns: columns.key, rows: null };
    }
  }
  return { columns: columns?.key ?? null, rows: rows?.key ?? null };
}

function presentLevels(parameter, points) {
  const present = new Set(points.map((point) => valueOf(point, parameter)));
  return levelsOf(parameter).filter((level) => present.has(level));
}

/** The points by their settings other than those on the axes: words → points. Without rows, all in one. */
function groupsOf(axes) {
  const others = axes.length < 2 ? [] : varyingParameters().filter((parameter) => !axes.includes(parameter));
  const order = (one, other) => others.reduce((sum, parameter) => sum || compareBy(parameter)(one, other), 0);
  const groups = new Map();
  for (const point of [...data.points].sort(order)) {
    const words = saySettings(point, others);
    groups.set(words, [...(groups.get(words) ?? []), point]);
  }
  return groups;
}

function chosenAxes() {
  const columns = parametersByKey.get(state.columns);
  const rows = parametersByKey.get(state.rows);
  return { columns, rows, isTable: Boolean(columns && rows) };
}

function wireAxes() {
  find("grid-columns").addEventListener("change", (event) => {
    const key = event.target.value || null;
    change({ columns: key, rows: key === state.rows ? state.columns : state.rows });
  });
  find("grid-rows").addEventListener("change", (event) => {
    const key = event.target.value || null;
    change({ rows: key, columns: key !== null && key === state.columns ? state.rows : state.columns });
  });
  find("grid-group").addEventListener("change", (event) => change({ group: event.target.value }));
  const metrics = [...data.metrics.map((metric) => [metric.key, metric.name]), ["", "none"]];
  fillSelect(find("grid-metric"), metrics, state.metric);
  find("grid-metric").addEventListener("change", (event) => change({ metric: event.target.value }));
}

function fillAxes() {
  const { columns, rows, isTable } = chosenAxes();
  const choices = varyingParameters().map((parameter) => [parameter.key, parameter.name]);
  fillSelect(find("grid-columns"), choices.length ? choices : [["", "–"]], state.columns ?? "");
  fillSelect(find("grid-rows"), [...choices, ["", "– (in turn)"]], state.rows ?? "");
  const groups = isTable ? [...groupsOf([columns, rows]).keys()] : [];
  fillSelect(find("grid-group"), [["", "all"], ...groups.map((words) => [words, words])], state.group);
  find("grid-group-label").hidden = groups.length < 2;
}

function drawGrid(container, painter) {
  painter.forgetAll(container);
  const { columns, rows, isTable } = chosenAxes();
  const groups = isTable ? groupsOf([columns, rows]) : groupsOf([]);
  const shown = [...groups].filter(([words]) => state.group === "" || words === state.group);
  const scale = valueScale();
  const cardOf = (point, words) => makeCard(point, words, scale, painter);
  container.replaceChildren(
    ...shown.map(([words, points]) =>
      make(
        "section",
        { class: "group", "data-tips": true },
        groups.size > 1 ? make("h3", {}, words) : null,
        isTable ? tableOf(points, columns, rows, cardOf) : flowOf(points, columns, cardOf),
      ),
    ),
  );
  markAll(container);
}

function tableOf(points, columns, rows, cardOf) {
  const axes = make(
    "th",
    { class: "axes" },
    make("span", { class: "axis-across" }, `${columns.name} →`),
    make("span", { class: "axis-down" }, `${rows.name} ↓`),
  );
  // The same columns in every block, so that they stand under each other.
  const levels = levelsOf(columns);
  const heads = levels.map((level) =>
    make("th", { scope: "col", title: sayValue(level) }, make("span", {}, sayValue(level))),
  );
  const lines = presentLevels(rows, points).map((level) => {
    const line = points.filter((point) => valueOf(point, rows) === level);
    const cells = levels.map((column) => {
      const here = line.filter((point) => valueOf(point, columns) === column);
      return make("td", {}, ...here.map((point) => cardOf(point, `#${point.number}`)));
    });
    return make(
      "tr",
      {},
      make("th", { scope: "row", title: sayValue(level) }, make("span", {}, sayValue(level))),
      ...cells,
    );
  });
  return make(
    "table",
    { class: "grid" },
    make("thead", {}, make("tr", {}, axes, ...heads)),
    make("tbody", {}, ...lines),
  );
}

function flowOf(points, columns, cardOf) {
  const sorted = columns
    ? [...points].sort((one, other) => compareBy(columns)(one, other) || one.number - other.number)
    : points;
  return make("div", { class: "flow" }, ...sorted.map((point) => cardOf(point, point.name)));
}

function wireSize(container) {
  find("grid-size").addEventListener("input", (event) => change({ cell: Number(event.target.value) }));
  find("grid-fit").addEventListener("click", () => change({ cell: null }));
  watch(["cell"], () => find("grid-fit").setAttribute("aria-pressed", state.cell === null));
  find("grid-fit").setAttribute("aria-pressed", "true");
  container.style.setProperty("--cell", `${LEAST_CELL}px`);
}

function sizeCells(container) {
  const { columns, isTable } = chosenAxes();
  let size = state.cell;
  if (size === null) {
    const head = container.querySelector("table.grid th")?.offsetWidth ?? 0;
    const across = isTable ? levelsOf(columns).length : Math.min(data.points.length, 6);
    const room = container.clientWidth - head - 2 * CELL_GAP;
    size = clamp(Math.floor(room / Math.max(1, across)) - CELL_GAP, LEAST_CELL, MOST_CELL);
  }
  container.style.setProperty("--cell", `${size}px`);
  find("grid-size").value = size;
}
