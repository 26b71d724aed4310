// Every point a row.

function buildTable() {
  const order = { column: null, sign: 1 };
  const body = make("tbody", {});
  let [columns, rows, heads] = [[], new Map(), []];
  const furnishTable = () => {
    columns = tableColumns(shownMetrics());
    order.column = columns.find(({ name }) => name === order.column?.name) ?? columns[0];
    rows = new Map(data.points.map((point) => [point.number, makeRow(point, columns)]));
    heads = columns.map((column) => makeHead(column, order, () => draw()));
    find("points").replaceChildren(make("thead", {}, make("tr", {}, ...heads)), body);
    draw();
  };

  const filter = find("filter");
  filter.placeholder = exampleFilter();
  find("filter-help").textContent = FILTER_HELP;
  filter.addEventListener("input", () => draw());

  function draw() {
    const { unknown, keeps } = parseFilter(filter.value);
    const kept = data.points.filter(keeps).sort(compareInOrder(order));
    body.replaceChildren(...kept.map((point) => rows.get(point.number)));
    heads.forEach((head, index) => {
      const sorted = columns[index] === order.column;
      head.setAttribute("aria-sort", sorted ? (order.sign > 0 ? "ascending" : "descending") : "none");
    });
    const missing = unknown.map((name) => `There is no column “${name}”. `).join("");
    find("filter-count").textContent = `${missing}${kept.length} of ${data.points.length}`;
    find("filter-count").classList.toggle("is-mistake", missing !== "");
    markAll(body);
  }
  watch(["every"], furnishTable);
  furnishTable();
}

/** The buttons that have all metrics shown, where there are too many to show all at once. */
function buildEveryMetric() {
  const buttons = [...document.querySelectorAll(".every-metric")];
  for (const button of buttons) {
    button.hidden = mainMetrics().length === data.metrics.length;
    button.textContent = `All ${data.metrics.length} metrics`;
    button.addEventListener("click", () => change({ every: !state.every }));
  }
  watch(["every"], () => buttons.forEach((button) => button.setAttribute("aria-pressed", state.every)));
}

/** Columns: what to sort by, what to show, how. `read` gives null for what is not there. */
function tableColumns(shown) {
  const number = { name: "#", read: (point) => point.number, cell: numberCell, numeric: true };
  const status = {
    name: "status",
    read: (point) => STATUS_ORDER.indexOf(point.status),
    cell: statusCell,
    numeric: false,
  };
  const settings = data.parameters.map((parameter) => ({
    name: parameter.name,
    title: parameter.key,
    read: (point) => {
      const value = valueOf(point, parameter);
      return parameter.numeric || value === null ? value : sayValue(value);
    },
    cell: (point) =>
      make(
        "td",
        {
          class: parameter.numeric ? "number" : "text",
          title: parameter.numeric ? null : sayValue(valueOf(point, parameter)),
        },
        sayValue(valueOf(point, parameter)),
      ),
    numeric: parameter.numeric,
  }));
  const metrics = shown.map((metric) => ({
    name: metric.name,
    unit: metric.unit,
    title: [metric.help, sentence(sayBetter(metric))].filter(Boolean).join(" "),
    read: (point) => measureOf(point, metric),
    cell: (point) => metricCell(point, metric),
    numeric: true,
  }));
  return [number, ...settings, status, ...metrics];
}

function numberCell(point) {
  const open = make(
    "button",
    { type: "button", class: "row-open", "aria-label": `${point.name}: details` },
    String(point.number),
  );
  const badge = isBaseline(point) ? make("span", { class: "row-mark", title: "baseline" }, "◆") : null;
  return make(
    "th",
    { scope: "row", class: "number" },
    badge,
    make("span", { class: "row-star", title: "The fastest that is close enough" }, "★"),
    open,
  );
}

function statusCell(point) {
  const title = point.status === "FINISHED" ? null : sayWhyNot(point);
  return make("td", { title }, make("span", { class: "chip", "data-status": point.status }, sayStatus(point.status)));
}

function metricCell(point, metric) {
  const value = measureOf(point, metric);
  const finite = Number.isFinite(value) && value !== null;
  const words = finite ? sayNumber(value, metric.digits) : value === Infinity ? "∞" : NOTHING;
  return make(
    "td",
    { class: finite ? "number" : "number is-absent", title: finite ? null : reasonOf(point, metric) || null },
    words,
  );
}

function makeRow(point, columns) {
  return make(
    "tr",
    { "data-point": point.number, click: () => change({ selected: point.number }) },
    ...columns.map((column) => column.cell(point)),
  );
}

function makeHead(column, order, draw) {
  const sort = () => {
    order.sign = order.column === column ? -order.sign : 1;
    order.column = column;
    draw();
  };
  return make(
    "th",
    { scope: "col", class: column.numeric ? "number" : null, title: column.title || null },
    make(
      "button",
      { type: "button", click: sort },
      column.name,
      column.unit ? make("span", { class: "unit" }, ` ${column.unit}`) : null,
      make("span", { class: "arrow", "aria-hidden": "true" }),
    ),
  );
}

/** What is not there comes last, whichever way the rest is sorted; among equals, the lower number is first. */
function compareInOrder({ column, sign }) {
  return (one, other) => {
    const [left, right] = [column.read(one), column.read(other)];
    if (left === null || right === null) {
      return (left === null) - (right === null) || one.number - other.number;
    }
    const text = typeof left === "string" && typeof right === "string";
    const way = text ? left.localeCompare(right, "en", { numeric: true }) : left < right ? -1 : Number(left > right);
    return sign * way || one.number - other.number;
  };
}

/** A filter that would do something here. */
function exampleFilter() {
  const words = [];
  const parameter = varyingParameters().find(({ numeric }) => numeric);
  if (parameter) {
    words.push(`${parameter.name.replace(/\s+/g, "_")}>=${levelsOf(parameter)[1]}`);
  }
  const metric = preferred(rankedMetrics("quality"), "psnr");
  if (metric) {
    words.push(`${metric.key}${metric.better === "higher" ? ">" : "<"}${thresholdRange(metric).start}`);
  }
  return words.join(" ") || "status=finished";
}
