// What the data tell: which settings to use, what each of them does, and what these data do not tell.

const SEEN = 10; // findings in all that are seen without asking
const SIGNS = { raises: "↑", lowers: "↓", depends: "≠", same: "=", untold: "?" };

function buildFindings() {
  const section = find("findings");
  if (!data.findings?.recommendation) {
    section.remove();
    return;
  }
  const { recommendation, findings, method } = data.findings;
  const untold = recommendation.verdict === "untold";
  find("recommendation").classList.toggle("is-untold", untold);
  find("recommendation-text").textContent = recommendation.text;
  const [first, ...lines] = recommendation.reasons.split("\n");
  find("recommendation-reasons").replaceChildren(first, ...lines.flatMap((line) => [make("br", {}), line]));
  const settings = varyingParameters().filter(({ key }) => findings.some(({ setting }) => setting === key));
  const room = Math.max(2, Math.floor(SEEN / Math.max(1, settings.length)));
  find("findings-body").append(
    ...settings.map((parameter) =>
      makeGroup(
        parameter,
        findings.filter(({ setting }) => setting === parameter.key),
        room,
      ),
    ),
  );
  find("findings-method").textContent = method;
}

/** What is known of one setting: the strongest first, the rest to be unfolded, and what is not known in a line. */
function makeGroup(parameter, findings, room) {
  const told = findings.filter(({ verdict }) => verdict !== "untold");
  const changes = told.filter(({ verdict, whole }) => whole && verdict !== "same");
  const [levelling] = findings.filter(({ kind, whole }) => kind === "plateau" && whole);
  const seen = [...(levelling ? [levelling] : []), ...changes].slice(0, room);
  if (seen.length === 0) {
    seen.push(...told.filter(({ whole }) => whole).slice(0, room));
  }
  const rest = told.filter((finding) => !seen.includes(finding) && !isPartOfSame(finding, told));
  return make(
    "section",
    { class: "finding-group", "data-setting": parameter.key },
    make("h3", {}, parameter.name),
    seen.length ? listFindings(seen) : null,
    rest.length ? fold(`${rest.length} more`, rest) : null,
    makeUntold(findings.filter((finding) => finding.verdict === "untold" && finding.metric !== null)),
  );
}

/** Whether it says of one step what is said of the whole: that nothing changes. */
function isPartOfSame(finding, told) {
  const isSame = ({ verdict, kind, metric }) => verdict === "same" && kind === "effect" && metric === finding.metric;
  return !finding.whole && isSame(finding) && told.some((other) => other.whole && isSame(other));
}

function listFindings(findings) {
  return make("ul", { class: "finding-list" }, ...findings.map(makeFinding));
}

/** What is folded is made when it is first opened. */
function fold(words, findings) {
  const details = make("details", {}, make("summary", {}, words));
  details.addEventListener("toggle", () => details.append(listFindings(findings)), { once: true });
  return details;
}

function makeFinding(finding) {
  const sense = finding.better === null ? "" : finding.better ? "for-better" : "for-worse";
  const row = make(
    "li",
    { class: "finding", "data-verdict": finding.verdict, "data-kind": finding.kind },
    make("span", { class: `finding-sign ${sense}`, "aria-hidden": "true" }, SIGNS[finding.verdict]),
    make("button", { type: "button", class: "finding-text", click: () => showPlot(finding) }, finding.text),
  );
  const drawing = drawInterval(finding);
  if (drawing) {
    row.append(drawing);
  }
  return row;
}

/** The metrics of which the whole of what a setting does is not known; each says more when it is pointed at. */
function makeUntold(findings) {
  const byMetric = new Map();
  for (const finding of findings.filter(({ kind, whole }) => kind === "effect" && whole)) {
    byMetric.set(finding.metric, [...(byMetric.get(finding.metric) ?? []), finding]);
  }
  if (byMetric.size === 0) {
    return null;
  }
  const names = [...byMetric].map(([key, of]) =>
    make(
      "button",
      { type: "button", class: "chip", title: of.map(({ text }) => text).join("\n"), click: () => showPlot(of[0]) },
      metricsByKey.get(key)?.name ?? key,
    ),
  );
  const details = fold("intervals", findings);
  return make("div", { class: "untold" }, make("span", {}, "These data do not tell of"), ...names, details);
}

/** The interval on a line of its own scale: zero, what would not matter about it, and how far the data allow. */
function drawInterval({ metric, difference, low, high, kind }) {
  if (difference === null) {
    return null;
  }
  const { width, height } = { width: 180, height: 22 };
  const notable = kind === "interaction" ? 0 : (metricsByKey.get(metric)?.notable ?? 0);
  const reach = 1.12 * Math.max(Math.abs(low), Math.abs(high), notable) || 1;
  const at = (value) => ((value / reach + 1) * width) / 2;
  const middle = height / 2;
  const svg = makeSvg("svg", { class: "interval", width, height, viewBox: `0 0 ${width} ${height}`, role: "img" });
  svg.setAttribute("aria-label", "its interval, about zero");
  if (notable > 0) {
    const box = { x: at(-notable), y: 3, width: at(notable) - at(-notable), height: height - 6 };
    svg.append(makeSvg("rect", { class: "notable", ...box }, makeSvg("title", {}, "differences that do not matter")));
  }
  svg.append(
    makeSvg("line", { class: "zero", x1: at(0), x2: at(0), y1: 1, y2: height - 1 }),
    makeSvg("line", { class: "reach", x1: at(low), x2: Math.max(at(high), at(low) + 1), y1: middle, y2: middle }),
    makeSvg("line", { class: "mean-tick", x1: at(difference), x2: at(difference), y1: 4, y2: height - 4 }),
  );
  return svg;
}

/** Show where in the plots a finding comes from. */
function showPlot({ setting, metric }) {
  change({ plotted: setting, every: state.every || !mainMetrics().some(({ key }) => key === metric) });
  const plot = document.querySelector(`.plot[data-metric="${CSS.escape(metric ?? "")}"]`);
  showSection(plot ?? find("plots"));
}
