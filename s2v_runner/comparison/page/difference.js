// Two videos beside each other, what is between them, and one wiped over the other.

function buildDifference(painter) {
  const filmed = data.points.filter((point) => point.tile);
  if (filmed.length === 0) {
    find("difference-body").hidden = true;
    find("difference-none").hidden = false;
    return;
  }
  const first = filmed.find(isBaseline) ?? filmed[0];
  const answer = filmed.find((point) => point.number === state.answer && point !== first);
  const second = answer ?? filmed.find((point) => point !== first) ?? first;
  const choices = filmed.map((point) => [point.number, `#${point.number} ${point.name}`]);
  const selects = { first: find("difference-first"), second: find("difference-second") };
  for (const [key, select] of Object.entries(selects)) {
    fillSelect(select, choices, null);
    select.addEventListener("change", () => change({ [key]: Number(select.value) }));
  }
  find("difference-swap").addEventListener("click", () => change({ first: state.second, second: state.first }));
  const wipe = wireWipe(() => painter.redraw(find("canvas-wipe")));
  const gain = wireGain(() => painter.redraw(find("canvas-difference")));
  watch(["first", "second"], () => {
    selects.first.value = state.first;
    selects.second.value = state.second;
    drawPair(painter, gain, wipe);
  });
  change({ first: first.number, second: second.number });
}

function wireGain(redraw) {
  const slider = find("difference-gain");
  const show = () => {
    find("difference-gain-shown").textContent = find("caption-difference").textContent = `× ${slider.value}`;
  };
  slider.addEventListener("input", () => {
    show();
    redraw();
  });
  show();
  return () => Number(slider.value);
}

/** The bar is moved by its slider, or by dragging on the picture. */
function wireWipe(redraw) {
  const slider = find("wipe-slider");
  const screen = find("wipe");
  const show = () => {
    screen.style.setProperty("--wipe", slider.value);
    redraw();
  };
  const drag = (event) => {
    const box = screen.getBoundingClientRect();
    slider.value = clamp((event.clientX - box.left) / box.width, 0, 1);
    show();
  };
  screen.addEventListener("pointerdown", (event) => {
    screen.setPointerCapture(event.pointerId);
    drag(event);
  });
  screen.addEventListener("pointermove", (event) => {
    if (screen.hasPointerCapture(event.pointerId)) {
      drag(event);
    }
  });
  slider.addEventListener("input", show);
  screen.style.setProperty("--wipe", slider.value);
  return () => Number(slider.value);
}

function drawPair(painter, gain, wipe) {
  const [a, b] = [pointsByNumber.get(state.first), pointsByNumber.get(state.second)];
  const both = [a.tile, b.tile];
  find("figure-a").dataset.point = a.number;
  find("figure-b").dataset.point = b.number;
  find("caption-a").textContent = a.name;
  find("caption-b").textContent = b.name;
  find("quartet").style.setProperty("--aspect", a.tile.width / a.tile.height);
  const whole = (tile) => (context, width, height) => painter.drawTile(context, tile, width, height);
  painter.compose(find("canvas-a"), [a.tile], whole(a.tile));
  // In as many pixels as A: what is compared lies upon each other.
  painter.compose(find("canvas-b"), [a.tile, b.tile], whole(b.tile));
  painter.compose(find("canvas-difference"), both, paintDifference(painter, both, gain));
  painter.compose(find("canvas-wipe"), both, (context, width, height) => {
    painter.drawTile(context, a.tile, width, height);
    context.save();
    context.beginPath();
    context.rect(wipe() * width, 0, width, height);
    context.clip();
    painter.drawTile(context, b.tile, width, height);
    context.restore();
  });
  drawPairTable(a, b);
  markAll(document);
}

/** |A − B|, added to itself as often as it is to be amplified: exact, and the same in every browser. */
function paintDifference(painter, [a, b], gain) {
  const plain = make("canvas", { width: a.width, height: a.height });
  const scratch = plain.getContext("2d", { alpha: false });
  return (context, width, height) => {
    scratch.globalCompositeOperation = "copy";
    painter.drawTile(scratch, a, width, height);
    scratch.globalCompositeOperation = "difference";
    painter.drawTile(scratch, b, width, height);
    context.globalCompositeOperation = "copy";
    context.drawImage(plain, 0, 0);
    context.globalCompositeOperation = "lighter";
    for (let times = 1; times < gain(); times += 1) {
      context.drawImage(plain, 0, 0);
    }
  };
}

/** The settings in which they differ, and all their metrics. */
function drawPairTable(a, b) {
  const settings = varyingParameters()
    .filter((parameter) => valueOf(a, parameter) !== valueOf(b, parameter))
    .map((parameter) => [parameter.name, sayValue(valueOf(a, parameter)), sayValue(valueOf(b, parameter)), "", ""]);
  const measured = data.metrics
    .filter((metric) => measureOf(a, metric) !== null || measureOf(b, metric) !== null)
    .map((metric) => [metric.name, sayMeasure(a, metric), sayMeasure(b, metric), ...sayGap(a, b, metric)]);
  const row = ([name, one, other, gap, sense]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, name),
      make("td", {}, one),
      make("td", {}, other),
      make("td", { class: sense }, gap),
    );
  const letter = (name) =>
    make("th", { scope: "col" }, make("span", { class: `letter letter-${name.toLowerCase()}` }, name));
  const head = make("th", { scope: "col" }, "B − A");
  find("pair").replaceChildren(
    make("thead", {}, make("tr", {}, make("td", {}), letter("A"), letter("B"), head)),
    make("tbody", {}, ...settings.map(row)),
    make("tbody", {}, ...measured.map(row)),
  );
}

/** The gap between two in words, and whether it is for the better. */
function sayGap(a, b, metric) {
  const gap = measureOf(b, metric) - measureOf(a, metric);
  const known = measureOf(a, metric) !== null && measureOf(b, metric) !== null;
  if (!known || !Number.isFinite(gap)) {
    return ["", ""];
  }
  const words = sayAmount(gap, metric);
  const equal = Number(gap.toFixed(metric.digits)) === 0;
  if (equal || metric.better === null) {
    return [gap > 0 && !equal ? `+${words}` : words, ""];
  }
  const better = gap > 0 === (metric.better === "higher");
  return [gap > 0 ? `+${words}` : words, better ? "for-better" : "for-worse"];
}
