// What is chosen and pointed at: one place that says so, and tells those who asked to be told.

const state = {
  highlighted: null, // numbers of points
  selected: null,
  first: null,
  second: null,
  answer: null,
  columns: null, // keys of settings
  rows: null,
  group: "",
  metric: "", // shown in the grid
  cell: null, // width of a cell in pixels; null fits it to the window
  plotted: null, // key of the setting that the plots are against
  every: false, // whether all metrics are shown, and not only the main ones
  sound: false,
};
const watchers = [];

/** Call `react` after any of these has changed. */
function watch(keys, react) {
  watchers.push({ keys, react });
}

/** Change several things at once. Everyone concerned is told once; what stays as it was concerns nobody. */
function change(patch) {
  const changed = Object.keys(patch).filter((key) => !Object.is(state[key], patch[key]));
  Object.assign(state, patch);
  for (const { keys, react } of watchers) {
    if (keys.some((key) => changed.includes(key))) {
      react();
    }
  }
}
