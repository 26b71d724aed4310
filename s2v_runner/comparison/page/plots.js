// Every metric against one setting, as small plots; the mean over all other settings is joined by lines.

const CHART_WIDTH = 320; // at least
const CHART_GAP = 16;
const CHART_HEIGHT = 210;

function buildPlots() {
  const parameters = varyingParameters();
  const metrics = data.metrics.filter((metric) => data.points.some((point) => measureOf(point, metric) !== null));
  if (parameters.length === 0 || metrics.length === 0) {
    find("plots-remark").textContent =
      parameters.length === 0 ? "No setting was varied." : "Nothing has been measured.";
    find("plots-colour-label").hidden = true;
    return;
  }
  const settings = parameters.filter(({ key }) => !data.findings?.draws?.includes(key));
  const across = parametersByKey.get(state.columns) ?? parameters[0];
  const choice = { x: settings.includes(across) ? across : (settings[0] ?? across), colour: null };
  const container = find("multiples");
  const draw = () => {
    const shown = shownMetrics();
    drawPlots(
      container,
      metrics.filter((metric) => shown.includes(metric)),
      choice,
    );
  };
  const choose = (parameter) => {
    choice.x = parameter;
    state.plotted = parameter.key;
    fillColours(parameters, choice);
    markTab(parameter.key);
    draw();
  };
  find("plots-tabs").append(...parameters.map((parameter) => makeTab(parameter, parameters, choose)));
  find("plots-colour").addEventListener("change", (event) => {
    choice.colour = parametersByKey.get(event.target.value) ?? null;
    draw();
  });
  fillColours(parameters, choice);
  markTab(choice.x.key);
  drawAtWidth(container, draw);
  watch(["every"], draw);
  watch(["plotted"], () => choose(parametersByKey.get(state.plotted)));
  const left = data.metrics.filter((metric) => !metrics.includes(metric)).map((metric) => metric.name);
  find("plots-remark").textContent = left.length ? `Not measured: ${left.join(", ")}.` : "";
}

function makeTab(parameter, parameters, choose) {
  const tab = make(
    "button",
    { type: "button", role: "tab", "data-key": parameter.key, click: () => choose(parameter) },
    parameter.name,
  );
  tab.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) {
      const next = parameters[(parameters.indexOf(parameter) + by + parameters.length) % parameters.length];
      choose(next);
      find("plots-tabs").querySelector("[aria-selected=true]").focus();
    }
  });
  return tab;
}

function markTab(key) {
  for (const tab of find("plots-tabs").children) {
    tab.setAttribute("aria-selected", tab.dataset.key === key);
    tab.tabIndex = tab.dataset.key === key ? 0 : -1;
  }
}

/** The setting with the most values that is not on the axis; of few values, so that colours can be told apart. */
function fillColours(parameters, choice) {
  const others = parameters.filter((parameter) => parameter !== choice.x);
  const telling = others.filter((parameter) => parameter.numeric || levelsOf(parameter).length <= 8);
  const [first] = telling.sort((one, other) => levelsOf(other).length - levelsOf(one).length);
  choice.colour = choice.colour && choice.colour !== choice.x ? choice.colour : (first ?? null);
  const choices = [...others.map((parameter) => [parameter.key, parameter.name]), ["", "nothing"]];
  fillSelect(find("plots-colour"), choices, choice.colour?.key ?? "");
  find("plots-colour-label").hidden = others.length === 0;
}

function drawPlots(container, metrics, choice) {
  // Not clientWidth, which may be rounded up.
  const room = Math.floor(container.getBoundingClientRect().width);
  const across = Math.max(1, Math.min(metrics.length, Math.floor((room + CHART_GAP) / (CHART_WIDTH + CHART_GAP))));
  const width = Math.min(520, Math.floor((room - (across - 1) * CHART_GAP) / across));
  const colours = choice.colour ? coloursOf(choice.colour) : new Map([[null, "var(--series-1)"]]);
  container.style.setProperty("--chart", `${width}px`);
  container.replaceChildren(...metrics.map((metric) => makePlot(metric, choice, colours, width)));
  drawLegend(choice.colour, colours);
  markAll(container);
}

function drawLegend(parameter, colours) {
  const entries = parameter
    ? [...colours].map(([level, colour]) =>
        make(
          "li",
          { title: sayValue(level) },
          make("span", { class: "swatch", style: `background: ${colour}` }),
          shorten(sayValue(level), 24),
        ),
      )
    : [];
  find("plots-legend").replaceChildren(...entries);
}

function makePlot(metric, choice, colours, width) {
  const measured = data.points.filter((point) => measureOf(point, metric) !== null);
  const values = measured.map((point) => measureOf(point, metric));
  // Within the padding of its sheet.
  const inner = width - 26;
  const margin = { left: marginFor(values), right: 8, top: 12, bottom: 24 };
  const chart = makeChart(inner, CHART_HEIGHT, margin, (box) => ({
    x: settingAxis(choice.x, box.left, box.right),
    y: metricAxis(values, box.bottom, box.top, 4),
  }));
  chart.svg.setAttribute("aria-label", `${metric.name} against ${choice.x.name}`);
  // Colours stand a little apart, or the last would cover the others.
  const apart = Math.min(5, (chart.x.spacing * 0.7) / colours.size);
  for (const [index, [level, colour]] of [...colours].entries()) {
    const aside = (index - (colours.size - 1) / 2) * apart;
    const series = choice.colour ? measured.filter((point) => valueOf(point, choice.colour) === level) : measured;
    chart.lines.append(
      makeSvg("polyline", {
        class: "mean",
        style: `stroke: ${colour}`,
        points: meansOf(series, metric, choice.x, chart),
      }),
    );
    for (const point of series) {
      addDot(chart, point, valueOf(point, choice.x), measureOf(point, metric), aside, { style: `fill: ${colour}` });
    }
  }
  const head = make(
    "h3",
    { title: metric.help },
    sayMetric(metric),
    metric.better ? make("span", { class: "better" }, metric.better === "higher" ? "↑ better" : "↓ better") : null,
  );
  return make(
    "figure",
    { class: "sheet plot", "data-tips": true, "data-metric": metric.key },
    head,
    chart.svg,
    make("figcaption", {}, choice.x.name),
  );
}

/** The mean of a metric at each value of a setting. What is infinite has no part in it. */
function meansOf(points, metric, parameter, chart) {
  return levelsOf(parameter)
    .map((level) => {
      const values = points
        .filter((point) => valueOf(point, parameter) === level)
        .map((point) => measureOf(point, metric))
        .filter(Number.isFinite);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.length ? `${chart.x.at(level)},${chart.y.at(mean)}` : "";
    })
    .filter(Boolean)
    .join(" ");
}
