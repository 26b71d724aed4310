// A point that is marked anywhere is marked everywhere: whatever has data-point="7" stands for point 7.

const MARKS = {
  highlighted: "is-highlighted",
  selected: "is-selected",
  answer: "is-answer",
  first: "is-a",
  second: "is-b",
};

/** Where the highlighted point was pointed at, for the tip to appear there. */
const origin = { element: null, x: 0, y: 0 };

function mark(root, key) {
  for (const element of root.querySelectorAll(`.${MARKS[key]}`)) {
    element.classList.remove(MARKS[key]);
  }
  if (state[key] === null) {
    return;
  }
  for (const element of root.querySelectorAll(`[data-point="${state[key]}"]`)) {
    element.classList.add(MARKS[key]);
    if (key === "highlighted" && element instanceof SVGElement) {
      // Dots have no z-index: the last is on top.
      element.parentNode.append(element);
    }
  }
}

/** Mark what has just been drawn. */
function markAll(root) {
  for (const key of Object.keys(MARKS)) {
    mark(root, key);
  }
}

/** Say which point is pointed at, and where. */
function highlight(number, element, event) {
  Object.assign(origin, { element, x: event?.clientX ?? null, y: event?.clientY ?? null });
  change({ highlighted: number });
}

function watchMarks() {
  for (const key of Object.keys(MARKS)) {
    watch([key], () => mark(document, key));
  }
  let focused = null;
  const numberOf = (element) => (element ? Number(element.dataset.point) : null);
  const pointAt = (target) => (target instanceof Element ? target.closest("[data-point]") : null);
  const fallBack = () => {
    // What has been drawn anew since is no longer there to be focused.
    const element = focused?.isConnected ? focused : null;
    highlight(numberOf(element), element, null);
  };
  document.addEventListener("pointerover", (event) => {
    const pointed = pointAt(event.target);
    if (pointed) {
      highlight(numberOf(pointed), pointed, event);
    } else {
      fallBack();
    }
  });
  document.documentElement.addEventListener("pointerleave", fallBack);
  document.addEventListener("focusin", (event) => {
    // A click focuses too, but the pointer then speaks for itself.
    focused = event.target.matches(":focus-visible") ? pointAt(event.target) : null;
    if (focused) {
      highlight(numberOf(focused), focused, null);
    }
  });
  document.addEventListener("focusout", () => {
    if (focused) {
      focused = null;
      highlight(null, null, null);
    }
  });
}
