// Everything put together.

function showProblem(words) {
  const banner = find("banner");
  banner.textContent = words;
  banner.hidden = false;
}

window.addEventListener("error", (event) => showProblem(`Something is wrong with this page: ${event.message}`));
window.addEventListener("unhandledrejection", (event) =>
  showProblem(`Something is wrong with this page: ${event.reason}`),
);

function build() {
  buildTheme();
  buildHeader();
  buildFindings();
  buildSectionLinks();
  watchMarks();
  const mosaics = openMosaics();
  const painter = createPainter(mosaics);
  buildGrid(painter);
  buildAnswer();
  buildDifference(painter);
  buildPlots();
  buildPareto();
  buildTable();
  buildNotes();
  buildDetails(painter);
  buildTip();
  buildEveryMetric();
  return { mosaics, painter };
}

async function begin({ mosaics, painter }) {
  if (mosaics.length === 0) {
    watchKeys(null);
    return;
  }
  try {
    await Promise.all(mosaics.map(({ ready }) => ready));
  } catch {
    showProblem("This browser cannot play the videos: they are H.264 in MP4. Everything else is here.");
    watchKeys(null);
    return;
  }
  const clock = createClock(mosaics, painter.take);
  buildTransport(clock);
  watchKeys(clock);
  mosaics.forEach((_, index) => painter.take(index));
  performance.mark("first-picture");
}

begin(build());
