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

/** The one with this key if it is there, else the first; undefined when there is none. */
function preferred(metrics, key) {
  return metrics.find((metric) => metric.key === key) ?? metrics[0];
}
