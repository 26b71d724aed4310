// What is known of the highlighted point, beside the pointer.

const TIP_DELAY = 220; // milliseconds: a pointer that only passes shows nothing

function buildTip() {
  const tip = find("tip");
  let timer = 0;
  watch(["highlighted"], () => {
    clearTimeout(timer);
    tip.hidden = true;
    const point = pointsByNumber.get(state.highlighted);
    if (point && origin.element?.closest("[data-tips]")) {
      timer = setTimeout(() => {
        tip.replaceChildren(...describeBriefly(point));
        tip.hidden = false;
        place(tip);
      }, TIP_DELAY);
    }
  });
  // The tip keeps its place on the screen while what it belongs to moves away.
  document.addEventListener("scroll", () => (tip.hidden = true), { capture: true, passive: true });
}

function describeBriefly(point) {
  const lines = mainMetrics()
    .filter((metric) => measureOf(point, metric) !== null)
    .map((metric) => make("tr", {}, make("th", {}, metric.name), make("td", {}, sayMeasure(point, metric))));
  const settings = data.parameters.map((parameter) =>
    make("tr", {}, make("th", {}, parameter.name), make("td", {}, sayValue(valueOf(point, parameter)))),
  );
  const status = point.status === "FINISHED" ? "" : ` · ${sayStatus(point.status)}`;
  return [
    make("p", { class: "tip-name" }, `#${point.number}${isBaseline(point) ? " · baseline" : ""}${status}`),
    make("table", {}, make("tbody", {}, ...settings), make("tbody", {}, ...lines)),
    point.tile ? null : make("p", { class: "tip-why" }, sayWhyNot(point)),
  ].filter((part) => part !== null);
}

/** Beside the card, or beside the pointer on a plot; always within the window. */
function place(tip) {
  const gap = 12;
  const card = origin.element.closest(".card")?.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const box = card ?? { left: origin.x, right: origin.x, top: origin.y };
  const right = box.right + gap;
  const left = right + width > window.innerWidth - gap ? box.left - gap - width : right;
  tip.style.left = `${clamp(left, gap, Math.max(gap, window.innerWidth - width - gap))}px`;
  tip.style.top = `${clamp(box.top, gap, Math.max(gap, window.innerHeight - height - gap))}px`;
}
