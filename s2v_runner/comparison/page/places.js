// Files beside the page. In MLflow the page stands alone in a frame that may open nothing: there, paths are only named.

const hasNeighbours = (() => {
  if (window.parent !== window) {
    return false;
  }
  const served = /^https?:$/.test(location.protocol) && /\.html?$/.test(location.pathname);
  return location.protocol === "file:" || served;
})();

/** A link to a file or folder beside the page, or its path to be copied. */
function linkTo(path, words) {
  if (!hasNeighbours) {
    return make("code", { class: "path" }, path);
  }
  // Each part by itself: a colon or a question mark in a name is part of the name.
  const address = `./${path.split("/").map(encodeURIComponent).join("/")}`;
  return make("a", { href: address, target: "_blank", rel: "noopener" }, words);
}
