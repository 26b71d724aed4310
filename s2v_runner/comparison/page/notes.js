// What the numbers mean, where they are, and what the keys do.

const TABLE_FILE = "comparison.csv";
const FINDINGS_FILE = "findings.json";

function buildNotes() {
  const metrics = data.metrics.map((metric) => {
    const more = [metric.unit ? `in ${metric.unit}` : "", sayBetter(metric)].filter(Boolean).join(", ");
    return make(
      "div",
      {},
      make("dt", {}, metric.name),
      make("dd", {}, metric.help, more ? make("span", { class: "remark" }, ` ${sentence(more)}`) : null),
    );
  });
  const keys = KEYS.map(([key, words]) => make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, words)));
  const compared = data.baseline
    ? `What is “to the baseline” compares each point with its own (${data.baseline}).`
    : "There is no baseline to compare with.";
  find("notes-body").append(
    make("div", {}, make("h3", {}, "Metrics"), make("p", {}, compared), make("dl", { class: "glossary" }, ...metrics)),
    make(
      "div",
      {},
      make("h3", {}, "Keys"),
      make("dl", { class: "glossary keys" }, ...keys),
      make("h3", {}, "Files"),
      make("p", {}, "All the numbers as a table, beside this page: ", linkTo(TABLE_FILE, TABLE_FILE)),
      data.findings ? make("p", {}, "The findings as data: ", linkTo(FINDINGS_FILE, FINDINGS_FILE)) : null,
      make(
        "p",
        {},
        "The videos here are small copies, for looking at side by side; ",
        "the originals are in the folders of the points, which their details name.",
      ),
    ),
  );
}
