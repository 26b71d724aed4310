// What was swept, and how it went.

const STATUS_ORDER = ["FINISHED", "RUNNING", "FAILED", "KILLED", "LOST", "MISSING"];

function buildHeader() {
  find("title").textContent = data.title;
  const names = varyingParameters().map((parameter) => `${parameter.name} (${levelsOf(parameter).length})`);
  const swept = names.length ? `${names.join(" × ")} · ` : "";
  find("swept").textContent = `${swept}${sayCount(data.points.length, "point")} · made ${data.made}`;
  find("counts").append(
    ...countStatuses().map(([status, count]) => statusChip(status, `${count} ${sayStatus(status)}`)),
  );
  const facts = [...data.summary, ["baseline", data.baseline ?? "none"], ["sweep", data.identity.slice(0, 12)]];
  find("facts").append(
    ...facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, String(value)))),
  );
  find("command").textContent = data.command;
}

function countStatuses() {
  const counts = new Map();
  for (const { status } of data.points) {
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  const rank = ([status]) => (STATUS_ORDER.indexOf(status) + STATUS_ORDER.length + 1) % (STATUS_ORDER.length + 1);
  return [...counts].sort((one, other) => rank(one) - rank(other));
}

function statusChip(status, words) {
  return make("li", { class: "chip", "data-status": status }, words);
}

/** The links between the sections. Not anchors: those would lead out of a frame that is shown from a blob. */
function buildSectionLinks() {
  const links = [...document.querySelectorAll("[data-section]")].map((section) =>
    make("button", { type: "button", class: "quiet", click: () => showSection(section) }, section.dataset.section),
  );
  find("section-links").append(...links);
}

function showSection(section) {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  section.scrollIntoView({ behavior: still ? "auto" : "smooth" });
}
