// The fastest setting that is close enough to the converged one.

const USUAL_THRESHOLDS = { psnr: 30 };

/** Whether a value of a quality is at least, or at most, the threshold. */
function isWithin(value, metric, threshold) {
  return value !== null && (metric.better === "higher" ? value >= threshold : value <= threshold);
}

/**
 * The fastest point within the threshold, and what to say of it: { point, within, untimed, byDefault, closest }.
 *
 * A baseline, being its own measure, is the answer only where nothing else is: `byDefault` then.
 */
function findAnswer(quality, time, threshold) {
  const within = data.points.filter((point) => isWithin(measureOf(point, quality), quality, threshold));
  const timed = within.filter((point) => measureOf(point, time) !== null);
  const others = timed.filter((point) => !isBaseline(point));
  const candidates = others.length ? others : timed;
  const first = least(candidates, (candidate) => measureOf(candidate, time));
  const sign = quality.better === "higher" ? -1 : 1;
  // Of those that are as fast, the closest.
  const asFast = candidates.filter((candidate) => measureOf(candidate, time) === measureOf(first, time));
  const point = least(asFast, (candidate) => sign * measureOf(candidate, quality));
  const rivals = data.points.filter((rival) => !isBaseline(rival) && measureOf(rival, quality) !== null);
  return {
    point,
    within: within.filter((one) => !isBaseline(one)).length,
    untimed: within.length - timed.length,
    byDefault: point !== null && others.length === 0,
    closest: least(rivals, (rival) => sign * measureOf(rival, quality)),
  };
}

/** The one for which `measure` is least; the first among equals; null of none. */
function least(points, measure) {
  return points.reduce((best, point) => (best === null || measure(point) < measure(best) ? point : best), null);
}

function buildAnswer() {
  const qualities = rankedMetrics("quality").filter((metric) =>
    data.points.some((point) => measureOf(point, metric) !== null),
  );
  const times = data.metrics.filter((metric) => metric.kind === "time");
  if (qualities.length === 0 || times.length === 0) {
    find("answer-controls").hidden = true;
    find("verdict").textContent =
      qualities.length === 0
        ? "No quality has been measured, so there is nothing to be close to."
        : "No time has been measured.";
    return;
  }
  const choice = { quality: preferred(qualities, "psnr"), time: preferred(times, "seconds"), threshold: 0 };
  const update = () => {
    const answer = findAnswer(choice.quality, choice.time, choice.threshold);
    find("verdict").replaceChildren(...sayAnswer(answer, choice));
    find("verdict-more").textContent = sayMoreOfAnswer(answer, choice);
    change({ answer: answer.point?.number ?? null });
  };
  wireQuality(qualities, choice, update);
  fillSelect(
    find("answer-time"),
    times.map((metric) => [metric.key, metric.name]),
    choice.time.key,
  );
  find("answer-time").addEventListener("change", (event) => {
    choice.time = metricsByKey.get(event.target.value);
    update();
  });
  wireThreshold(choice, update);
}

function wireQuality(qualities, choice, update) {
  const select = find("answer-quality");
  fillSelect(
    select,
    qualities.map((metric) => [metric.key, metric.name]),
    choice.quality.key,
  );
  const start = () => {
    choice.quality = metricsByKey.get(select.value);
    const { slider, number } = { slider: find("answer-slider"), number: find("answer-number") };
    const range = thresholdRange(choice.quality);
    Object.assign(slider, { min: range.min, max: range.max, step: range.step });
    number.step = range.step;
    choice.threshold = range.start;
    slider.value = number.value = range.start;
    find("answer-sense").textContent = choice.quality.better === "higher" ? "at least" : "at most";
    find("answer-unit").textContent = choice.quality.unit;
    update();
  };
  select.addEventListener("change", start);
  start();
}

function wireThreshold(choice, update) {
  const slider = find("answer-slider");
  const number = find("answer-number");
  slider.addEventListener("input", () => {
    number.value = slider.value;
    choice.threshold = Number(slider.value);
    update();
  });
  number.addEventListener("input", () => {
    if (number.value !== "" && Number.isFinite(number.valueAsNumber)) {
      slider.value = number.value;
      choice.threshold = number.valueAsNumber;
      update();
    }
  });
}

/** From the least to the greatest value there is, in steps that its digits can tell apart. */
function thresholdRange(metric) {
  const values = data.points
    .map((point) => measureOf(point, metric))
    .filter(Number.isFinite)
    .sort((one, other) => one - other);
  const step = 10 ** -metric.digits;
  const round = (value, how) => Number((how(value / step) * step).toFixed(metric.digits));
  if (values.length === 0) {
    return { min: 0, max: 1, step, start: USUAL_THRESHOLDS[metric.key] ?? 0 };
  }
  const min = round(values[0], Math.floor);
  const max = round(values.at(-1), Math.ceil);
  const usual = USUAL_THRESHOLDS[metric.key];
  const start = usual >= min && usual <= max ? usual : round(values[Math.floor(values.length / 2)], Math.round);
  return { min, max, step, start };
}

function sayAnswer({ point, byDefault, closest }, { quality, time, threshold }) {
  const limit = `${quality.better === "higher" ? "at least" : "at most"} ${sayAmount(threshold, quality)}`;
  const named = (one) =>
    make(
      "button",
      { type: "button", class: "point-name", "data-point": one.number, click: () => change({ selected: one.number }) },
      one.name,
    );
  if (point === null) {
    const words = [`No setting has ${limit} of ${quality.name}`];
    return closest === null
      ? [...words, "."]
      : [...words, ". The closest is ", named(closest), `, with ${sayMeasure(closest, quality)}.`];
  }
  if (byDefault) {
    return [
      "Nothing but the baseline itself, ",
      named(point),
      `, has ${limit} of ${quality.name}. It takes ${sayMeasure(point, time)}.`,
    ];
  }
  const reached =
    measureOf(point, quality) === Infinity ? "is identical to its baseline" : `has ${sayMeasure(point, quality)}`;
  return [
    named(point),
    ` takes ${sayMeasure(point, time)} and ${reached}: the fastest with ${limit} of ${quality.name}.`,
  ];
}

function sayMoreOfAnswer({ point, within, untimed, byDefault }, { time }) {
  const sentences = [];
  const baseline = point && !byDefault ? pointsByNumber.get(point.baseline) : undefined;
  const [own, its] = [point, baseline].map((one) => (one ? measureOf(one, time) : null));
  if (own && its) {
    const factor = its / own;
    const times = sayNumber(factor, factor < 10 ? 1 : 0);
    const speed = times === "1.0" ? "about as fast as" : `${times} times as fast as`;
    sentences.push(`That is ${speed} its baseline, ${baseline.name} (${sayMeasure(baseline, time)}).`);
  }
  const counted = data.points.filter((one) => !isBaseline(one)).length;
  const aside =
    counted < data.points.length ? ", not counting the baseline: it is the answer only where nothing else is" : "";
  sentences.push(`${within} of ${sayCount(counted, "point")} ${within === 1 ? "is" : "are"} within${aside}.`);
  if (untimed > 0) {
    sentences.push(`Of ${untimed} within, the time is not known.`);
  }
  return sentences.join(" ");
}
