// Keys for the whole page, but for what is being typed or chosen from.

const KEYS = [
  ["space", "play or pause"],
  ["← →", "a frame back or on; with shift, ten"],
  ["a, b", "compare the highlighted point, as A or as B"],
  ["Enter", "the details of the focused point"],
  ["Esc", "close the details"],
];

function watchKeys(clock) {
  const steps = { ArrowLeft: -1, ArrowRight: 1 };
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(target)) {
      return;
    }
    if (key === "Escape") {
      change({ selected: null });
    } else if ((key === "a" || key === "b") && pointsByNumber.get(state.highlighted)?.tile) {
      change({ [key === "a" ? "first" : "second"]: state.highlighted });
    } else if (clock && key === " " && !ownsSpace(target)) {
      event.preventDefault();
      clock.toggle();
    } else if (clock && key in steps && !ownsArrows(target)) {
      event.preventDefault();
      clock.step(steps[key] * (event.shiftKey ? 10 : 1));
    }
  });
  document.addEventListener("keyup", (event) => {
    // Firefox presses the button when space comes up.
    if (event.key === " " && isCard(event.target)) {
      event.preventDefault();
    }
  });
}

function isCard(target) {
  return target.matches(".card-open");
}

function isTyping(target) {
  return target.matches("textarea, select, input:not([type=range])");
}

/** Space presses a button, but on a card it plays: Enter opens it. */
function ownsSpace(target) {
  return target.matches("button, a, summary") && !isCard(target);
}

function ownsArrows(target) {
  return target.matches("input[type=range], [role=tab]");
}
