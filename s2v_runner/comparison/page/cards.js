// A card of the grid: a moving picture, what it is, and one number. Where there is no video it says why.

/** From a point to how far along it is between the worst and the best of the shown metric, 0 … 1, or null. */
function valueScale() {
  const metric = metricsByKey.get(state.metric);
  if (!metric) {
    return () => null;
  }
  const values = data.points.map((point) => measureOf(point, metric)).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (point) => {
    const value = measureOf(point, metric);
    return value === null ? null : clamp(high > low ? (value - low) / (high - low) : 1, 0, 1);
  };
}

function makeCard(point, words, scale, painter) {
  const metric = metricsByKey.get(state.metric);
  const share = scale(point);
  const value = metric && (point.tile || measureOf(point, metric) !== null) ? sayMeasure(point, metric) : "";
  const open = make(
    "button",
    {
      type: "button",
      class: "card-open",
      "aria-label": `${point.name}: ${value || sayStatus(point.status)}`,
      click: () => change({ selected: point.number }),
    },
    point.tile ? make("canvas", {}) : makeEmpty(point),
    make(
      "span",
      { class: "card-label" },
      make("span", { class: "card-name", title: point.name }, words),
      make("span", { class: "card-value", title: metric && value === NOTHING ? reasonOf(point, metric) : null }, value),
    ),
  );
  if (share !== null) {
    open.append(make("span", { class: "card-share", style: `--share: ${share}` }));
  }
  const kind = isBaseline(point) ? " is-baseline" : "";
  const card = make("div", { class: `card${kind}`, "data-point": point.number }, open, makeBadges(point));
  if (point.tile) {
    card.append(makeTools(point));
    painter.show(open.querySelector("canvas"), point);
  }
  return card;
}

function makeEmpty(point) {
  const { tile } = data.points.find((other) => other.tile) ?? { tile: { width: 16, height: 11 } };
  return make(
    "span",
    {
      class: "card-empty",
      "data-status": point.status,
      style: `aspect-ratio: ${tile.width} / ${tile.height}`,
      title: sayWhyNot(point),
    },
    make("strong", {}, sayStatus(point.status)),
    make("span", { class: "card-why" }, sayWhyNot(point)),
  );
}

function makeBadges(point) {
  return make(
    "span",
    { class: "badges" },
    make("span", { class: "badge badge-answer", title: "The fastest that is close enough" }, "★"),
    isBaseline(point) ? make("span", { class: "badge badge-baseline" }, "baseline") : null,
    make("span", { class: "badge letter letter-a" }, "A"),
    make("span", { class: "badge letter letter-b" }, "B"),
  );
}

/** Out of the way of the tab key, which would stop three times at every card: the keys a and b do the same. */
function makeTools(point) {
  const tool = (letter, key) =>
    make(
      "button",
      { type: "button", tabindex: -1, title: `Compare as ${letter}`, click: () => change({ [key]: point.number }) },
      letter,
    );
  return make("span", { class: "card-tools" }, tool("A", "first"), tool("B", "second"));
}
