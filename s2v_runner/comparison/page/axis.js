// Axes: where a value lies, and which values are written there.

const LOG_SPREAD = 30; // from here on, equal factors are equal distances
const MOST_LEVEL_TICKS = 9; // as many settings are each named on an axis

/** Round numbers that cover a range with about `count` steps: { ticks, digits }. */
function niceTicks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * 0.75);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) {
    ticks.push(Number((index * step).toFixed(digits)));
  }
  return { ticks, digits };
}

/**
 * An axis for a metric, from pixel `start` to pixel `end`: { at, ticks: [{ at, words }] }.
 *
 * What is infinite lies at `end`, past the finite ones, and has its own tick.
 */
function metricAxis(values, start, end, count) {
  const finite = values.filter(Number.isFinite);
  const infinite = values.includes(Infinity);
  const margin = infinite && finite.length ? Math.sign(end - start) * 22 : 0;
  const [low, high] = widen(Math.min(...finite), Math.max(...finite));
  const scale = (value) => start + ((value - low) / (high - low)) * (end - margin - start);
  const at = (value) => (value === Infinity ? end : scale(value));
  const { ticks, digits } = niceTicks(low, high, count);
  const named = ticks.map((value) => ({ at: at(value), words: sayNumber(value, digits) }));
  return { at, ticks: infinite ? [...named, { at: end, words: "∞" }] : named };
}

/** A little room on either side; some for a single value; any for none. */
function widen(low, high) {
  if (!Number.isFinite(low)) {
    return [0, 1];
  }
  const room = high > low ? (high - low) * 0.06 : Math.abs(low) * 0.1 || 1;
  // What is never negative is not drawn as if it could be.
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** An axis for a setting: by size if its values are numbers, else side by side. */
function settingAxis(parameter, start, end) {
  const levels = levelsOf(parameter);
  // Among numbers there may be words: "inf" is no place on an axis.
  const numeric = parameter.numeric && levels.every((level) => typeof level === "number");
  return numeric ? numericAxis(levels, start, end) : categoryAxis(levels, start, end);
}

/** Settings side by side. `spacing` is the distance between neighbours. */
function categoryAxis(levels, start, end) {
  const share = (end - start) / levels.length;
  const at = (value) => start + (levels.indexOf(value) + 0.5) * share;
  // Of many, every other one can be named, and has the room of two.
  const room = (levels.length > 6 ? share * 2 : share) - 8;
  const ticks = levels.map((level) => ({
    at: at(level),
    words: shortenTo(room, sayValue(level)),
    title: sayValue(level),
  }));
  return { at, ticks: thinOut(ticks), spacing: share };
}

/** Settings by size. `spacing` is the least distance between two. */
function numericAxis(levels, start, end) {
  const [low, high] = [Math.min(...levels), Math.max(...levels)];
  const by = low > 0 && high / low >= LOG_SPREAD ? Math.log : (value) => value;
  const inset = Math.min(24, (end - start) * 0.07);
  const at = (value) =>
    high > low
      ? start + inset + ((by(value) - by(low)) / (by(high) - by(low))) * (end - start - 2 * inset)
      : (start + end) / 2;
  const own = levels.length <= MOST_LEVEL_TICKS || by === Math.log;
  const { ticks, digits } = own ? { ticks: levels, digits: null } : niceTicks(low, high, 6);
  const named = ticks.map((value) => ({
    at: at(value),
    words: digits === null ? sayValue(value) : sayNumber(value, digits),
  }));
  const places = levels.map(at).sort((one, other) => one - other);
  const spacing = Math.min(end - start, ...places.slice(1).map((place, index) => place - places[index]));
  return { at, ticks: thinOut(named), spacing };
}

/** Leave out ticks whose words would touch those before. */
function thinOut(ticks) {
  const kept = [];
  for (const tick of ticks) {
    const last = kept.at(-1);
    if (!last || tick.at - last.at > widthOf(tick.words) / 2 + widthOf(last.words) / 2 + 6) {
      kept.push(tick);
    }
  }
  return kept;
}

/** Words in as many letters at most; the middle gives way, since names often differ at their ends. */
function shorten(words, letters) {
  if (words.length <= letters) {
    return words;
  }
  const head = Math.ceil((letters - 1) / 2);
  return `${words.slice(0, head)}…${words.slice(words.length - (letters - 1 - head))}`;
}

/** Words in as many pixels at most, but for three letters. */
function shortenTo(room, words) {
  let letters = words.length;
  while (letters > 3 && widthOf(shorten(words, letters)) > room) {
    letters -= 1;
  }
  return shorten(words, letters);
}

const ruler = make("canvas", {}).getContext("2d");

/** The width of words on a plot, in pixels. */
function widthOf(words) {
  ruler.font = "11.5px system-ui, sans-serif";
  return ruler.measureText(words).width;
}
