// What the page is about, and the questions that every view asks of it.

const data = JSON.parse(find("data").textContent);

const pointsByNumber = new Map(data.points.map((point) => [point.number, point]));
const metricsByKey = new Map(data.metrics.map((metric) => [metric.key, metric]));
const parametersByKey = new Map(data.parameters.map((parameter) => [parameter.key, parameter]));

/** What a point has for a swept setting; null for what is not set. */
function valueOf(point, parameter) {
  return point.values[parameter.key] ?? null;
}

const levelsByParameter = new Map(
  data.parameters.map((parameter) => {
    const { values } = parameter;
    const lacking = !values.includes(null) && data.points.some((point) => valueOf(point, parameter) === null);
    return [parameter, lacking ? [...values, null] : values];
  }),
);

/** All the values of a swept setting, in their order; null among them when a point has none. */
function levelsOf(parameter) {
  return levelsByParameter.get(parameter);
}

/** Settings by which the points differ. */
function varyingParameters() {
  return data.parameters.filter((parameter) => levelsOf(parameter).length > 1);
}

/** Compare two points by a setting: as it lists its values. */
function compareBy(parameter) {
  const order = levelsOf(parameter);
  return (one, other) => order.indexOf(valueOf(one, parameter)) - order.indexOf(valueOf(other, parameter));
}

/** Why a point lacks a metric, or an empty text. */
function reasonOf(point, metric) {
  return point.reasons?.[metric.key] ?? "";
}

/**
 * A metric of a point as a number, or null when there is none.
 *
 * What is identical to its baseline has no finite ratio of signal to noise: it is infinitely close.
 */
function measureOf(point, metric) {
  const value = point.metrics[metric.key] ?? null;
  if (value === null && metric.better === "higher" && /^identical/i.test(reasonOf(point, metric))) {
    return Infinity;
  }
  return value;
}

/** Whether a point is what others are compared with. */
function isBaseline(point) {
  return point.baseline === point.number;
}

/** Metrics of a kind that say which way is better. */
function rankedMetrics(kind) {
  return data.metrics.filter((metric) => metric.kind === kind && metric.better !== null);
}

/** The first of these keys that is there, else the first metric; undefined when there is none. */
function preferred(metrics, ...keys) {
  const [found] = keys.flatMap((key) => metrics.filter((metric) => metric.key === key));
  return found ?? metrics[0];
}

const FEW_METRICS = 12; // so many are shown without asking
const MAIN_METRICS = [
  "psnr",
  "ssim",
  "mouth_r",
  "sync_c",
  "face_similarity",
  "picture_ssim",
  "colour_drift",
  "seam_jump",
  "flicker",
  "motion",
  "seconds",
  "device_gib",
];

/** Of many metrics those that most questions are about; all of a few. */
function mainMetrics() {
  const main = data.metrics.filter(({ key }) => MAIN_METRICS.includes(key));
  return data.metrics.length <= FEW_METRICS || main.length === 0 ? data.metrics : main;
}

/** The metrics that are asked for: the main ones, or all. */
function shownMetrics() {
  return state.every ? data.metrics : mainMetrics();
}
