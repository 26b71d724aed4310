// All there is to know of one point, in a panel at the side. The page beneath stays in use.

function buildDetails(painter) {
  const panel = find("details");
  let opener = null;
  watch(["selected"], () => {
    painter.forgetAll(panel);
    const point = pointsByNumber.get(state.selected);
    if (!point) {
      const hadFocus = panel.contains(document.activeElement);
      panel.hidden = true;
      panel.replaceChildren();
      if (hadFocus) {
        opener?.focus({ preventScroll: true });
      }
      return;
    }
    if (!panel.contains(document.activeElement)) {
      opener = document.activeElement;
    }
    const { scrollTop } = panel;
    panel.hidden = false;
    panel.dataset.point = point.number;
    panel.replaceChildren(detailsHead(point), ...detailsBody(point, painter));
    markAll(document);
    panel.scrollTop = scrollTop;
    panel.focus({ preventScroll: true });
  });
}

function detailsHead(point) {
  const numbers = data.points.map(({ number }) => number);
  const place = numbers.indexOf(point.number);
  const turn = (words, label, by) => {
    const number = numbers[place + by];
    return make(
      "button",
      {
        type: "button",
        class: "quiet icon",
        "aria-label": label,
        title: label,
        disabled: number === undefined,
        click: () => change({ selected: number }),
      },
      words,
    );
  };
  return make(
    "header",
    { class: "details-head" },
    make("h2", { id: "details-name" }, point.name),
    make(
      "div",
      { class: "details-turn" },
      turn("‹", "The point before", -1),
      turn("›", "The next point", 1),
      make(
        "button",
        {
          type: "button",
          class: "quiet icon",
          "aria-label": "Close",
          title: "Close (Esc)",
          click: () => change({ selected: null }),
        },
        "×",
      ),
    ),
    make(
      "ul",
      { class: "counts" },
      make("li", { class: "chip" }, `#${point.number}`),
      statusChip(point.status, sayStatus(point.status)),
      isBaseline(point) ? make("li", { class: "chip" }, "baseline") : null,
      make("li", { class: "chip chip-answer" }, "★ fastest close enough"),
    ),
  );
}

function detailsBody(point, painter) {
  const parts = [];
  if (point.tile) {
    const canvas = make("canvas", {});
    painter.show(canvas, point);
    const style = `--aspect: ${point.tile.width / point.tile.height}`;
    parts.push(make("div", { class: "screen", style }, canvas), compareButtons(point));
  } else {
    parts.push(make("p", { class: "why", "data-status": point.status }, sayWhyNot(point)));
  }
  if (point.tile && point.error) {
    parts.push(make("p", { class: "why", "data-status": point.status }, point.error));
  }
  parts.push(
    detailsTable(
      "Settings",
      data.parameters.map((parameter) => [parameter.name, sayValue(valueOf(point, parameter)), "", parameter.key]),
    ),
  );
  parts.push(
    detailsTable(
      "Metrics",
      data.metrics.map((metric) => {
        const lacking = point.metrics[metric.key] === null || point.metrics[metric.key] === undefined;
        return [metric.name, sayMeasure(point, metric), lacking ? reasonOf(point, metric) : "", metric.help];
      }),
    ),
  );
  parts.push(detailsTable("Video", detailsOfVideo(point)));
  return parts;
}

function compareButtons(point) {
  const button = (letter, key) =>
    make(
      "button",
      {
        type: "button",
        class: `letter-button letter-button-${letter.toLowerCase()}`,
        click: () => change({ [key]: point.number }),
      },
      `Compare as ${letter}`,
    );
  const show = () => {
    change({ selected: null });
    showSection(find("difference"));
  };
  return make(
    "div",
    { class: "details-compare" },
    button("A", "first"),
    button("B", "second"),
    make("button", { type: "button", class: "quiet", click: show }, "See the difference ↓"),
  );
}

/** Rows of [name, value, remark, title of the name]. A value is a text or an element. */
function detailsTable(heading, rows) {
  const lines = rows.map(([name, value, remark, title]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row", title: title || null }, name),
      make("td", {}, value, remark ? make("span", { class: "remark" }, remark) : null),
    ),
  );
  return make(
    "section",
    {},
    make("h3", {}, heading),
    make("table", { class: "facts-table" }, make("tbody", {}, ...lines)),
  );
}

function detailsOfVideo(point) {
  const rows = [];
  if (point.width && point.height) {
    rows.push(["picture", `${point.width} × ${point.height}`]);
  }
  if (point.frames && point.fps) {
    rows.push([
      "length",
      `${point.frames} frames at ${Number(point.fps.toFixed(3))} a second: ${sayNumber(point.seconds, 2)} s`,
    ]);
  }
  if (point.sound !== null && point.sound !== undefined) {
    rows.push(["recording", data.sounds[point.sound].name]);
  }
  const base = pointsByNumber.get(point.baseline);
  if (base && base !== point) {
    rows.push(["compared with", base.name]);
  }
  if (point.video) {
    rows.push(["original", linkTo(point.video, "open the video")]);
  }
  if (point.folder) {
    rows.push(["folder", linkTo(point.folder, point.folder)]);
  }
  return rows;
}
