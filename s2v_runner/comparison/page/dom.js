// Making elements. Texts go in as texts, so that nothing in the data can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** The element of the page with this id. */
function find(id) {
  return document.getElementById(id);
}

/** An HTML element. Attributes that are null or false are left out; functions are listeners. */
function make(name, attributes, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/** The same for SVG. */
function makeSvg(name, attributes, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

function furnish(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) {
      continue;
    }
    if (typeof value === "function") {
      element.addEventListener(key, value);
    } else {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Fill a <select>: choices are [value, words]. One that offers no choice cannot be opened. */
function fillSelect(select, choices, chosen) {
  select.replaceChildren(
    ...choices.map(([value, words]) => make("option", { value, selected: value === chosen }, words)),
  );
  select.disabled = choices.length < 2;
}

function clamp(value, least, most) {
  return Math.min(most, Math.max(least, value));
}

/** Call `act` when the element has got its size, and whenever it gets another. */
function whenResized(element, act) {
  let due = false;
  // In the next frame: a size that is changed within the notification is reported to the page as an error.
  const later = () => {
    due = false;
    act();
  };
  new ResizeObserver(() => {
    if (!due) {
      due = true;
      requestAnimationFrame(later);
    }
  }).observe(element);
}
