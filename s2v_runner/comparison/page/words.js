// Values, numbers and statuses in words.

const STATUSES = {
  FINISHED: { name: "finished", more: "" },
  FAILED: { name: "failed", more: "It ended with a mistake." },
  KILLED: { name: "stopped", more: "It was stopped before it was done." },
  RUNNING: { name: "running", more: "It was being made when this page was." },
  MISSING: { name: "not begun", more: "It has not been begun." },
  LOST: { name: "lost", more: "It was finished, but its video is gone." },
};
const NOTHING = "–";
const THIN_SPACE = "\u202f";

function sayStatus(status) {
  return STATUSES[status]?.name ?? status.toLowerCase();
}

/** Why a point has no video to show. */
function sayWhyNot(point) {
  return point.error ?? (STATUSES[point.status]?.more || "It has no video.");
}

/** A setting's value. */
function sayValue(value) {
  if (value === null) {
    return "none";
  }
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

/** A number with that many decimals; thousands set apart once there are five figures. */
function sayNumber(number, digits) {
  if (!Number.isFinite(number)) {
    return number > 0 ? "∞" : "−∞";
  }
  const [whole, fraction] = Math.abs(number).toFixed(digits).split(".");
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE) : whole;
  const sign = number < 0 && Number(number.toFixed(digits)) !== 0 ? "−" : "";
  return sign + grouped + (fraction === undefined ? "" : `.${fraction}`);
}

/** A number with its unit. */
function sayAmount(number, metric) {
  const unit = metric.unit ? `${THIN_SPACE}${metric.unit}` : "";
  return sayNumber(number, metric.digits) + unit;
}

/** A metric of a point, with its unit. */
function sayMeasure(point, metric) {
  const value = measureOf(point, metric);
  if (value === Infinity) {
    return "identical";
  }
  return value === null ? NOTHING : sayAmount(value, metric);
}

/** A metric's name, and its unit if it has one. */
function sayMetric(metric) {
  return metric.unit ? `${metric.name}, ${metric.unit}` : metric.name;
}

function sayBetter(metric) {
  return { higher: "higher is better", lower: "lower is better" }[metric.better] ?? "";
}

/** Words as a sentence; none stay none. */
function sentence(words) {
  return words && `${words[0].toUpperCase()}${words.slice(1)}.`;
}

/** "1 point", "2 points". */
function sayCount(count, thing) {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** A point's swept settings in words, but for those that the surroundings state. */
function saySettings(point, parameters) {
  return parameters.map((parameter) => `${parameter.name} ${sayValue(valueOf(point, parameter))}`).join(", ");
}
