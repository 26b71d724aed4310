// Light or dark: as the system has it, until one is chosen.

const THEMES = { "": "Theme: system", light: "Theme: light", dark: "Theme: dark" };
const THEME_KEY = "s2v-theme";

function buildTheme() {
  const button = find("theme");
  const use = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.textContent = THEMES[theme];
  };
  use(kept() ?? "");
  button.addEventListener("click", () => {
    const names = Object.keys(THEMES);
    const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
    use(next);
    remember(next);
  });

  // A frame without an origin has no storage, and says so by throwing.
  function kept() {
    try {
      const theme = localStorage.getItem(THEME_KEY);
      return theme in THEMES ? theme : null;
    } catch {
      return null;
    }
  }

  function remember(theme) {
    try {
      localStorage.setItem(THEME_KEY, theme);
    } catch {
      // Then it lasts as long as the page.
    }
  }
}
