// What is typed above the table: words to be found, and conditions like steps>=20.

const FILTER_HELP =
  'Words are looked for; conditions compare: steps>=20 psnr>30 status=failed "two words". All must hold.';

/** A predicate on points for a typed filter, and the names in it that no column has. */
function parseFilter(text) {
  const unknown = [];
  const tests = [];
  for (const [, name, sign, quoted, bare, phrase, word] of text.matchAll(
    /([\p{L}_][\p{L}\p{N}_.]*)(>=|<=|!=|=|>|<)(?:"([^"]*)"|(\S+))|"([^"]*)"|(\S+)/gu,
  )) {
    if (sign === undefined) {
      tests.push(containing(phrase ?? word));
      continue;
    }
    const read = columnNamed(name);
    if (read) {
      tests.push((point) => compares(read(point), sign, quoted ?? bare));
    } else {
      unknown.push(name);
    }
  }
  return { unknown, keeps: (point) => tests.every((test) => test(point)) };
}

function containing(words) {
  const sought = words.toLowerCase();
  return (point) => {
    const values = data.parameters.map((parameter) => sayValue(valueOf(point, parameter)));
    const text = [`#${point.number}`, point.name, sayStatus(point.status), point.error ?? "", ...values].join("\n");
    return text.toLowerCase().includes(sought);
  };
}

/** How to read a column from a point, by its name, its key, or the last part of its key; null when there is none. */
function columnNamed(typed) {
  const plain = (name) => name.toLowerCase().replace(/[\s_-]+/g, "");
  const sought = plain(typed);
  const named = ({ key, name }) => [key, key.split(".").at(-1), name].some((one) => plain(one) === sought);
  if (sought === "status") {
    return (point) => sayStatus(point.status);
  }
  if (["number", "point"].includes(sought)) {
    return (point) => point.number;
  }
  const parameter = data.parameters.find(named);
  if (parameter) {
    return (point) => valueOf(point, parameter);
  }
  const metric = data.metrics.find(named);
  return metric ? (point) => measureOf(point, metric) : null;
}

/** Numbers as numbers, everything else as text. Of what is not there, only "!=" holds. */
function compares(value, sign, typed) {
  if (value === null) {
    return sign === "!=" ? typed.toLowerCase() !== "none" : sign === "=" && typed.toLowerCase() === "none";
  }
  const number = Number(typed.replace(",", "."));
  const numeric = typeof value === "number" && typed !== "" && !Number.isNaN(number);
  const [left, right] = numeric ? [value, number] : [sayValue(value).toLowerCase(), typed.toLowerCase()];
  return {
    "=": left === right,
    "!=": left !== right,
    ">=": left >= right,
    "<=": left <= right,
    ">": left > right,
    "<": left < right,
  }[sign];
}
