// Dark or light: as chosen, else as the system has it.
const dark = matchMedia("(prefers-color-scheme: dark)");

export const themeOf = (view) => (view.theme === "auto" ? (dark.matches ? "dark" : "light") : view.theme);

export function applyTheme(store) {
  const apply = () => { document.documentElement.dataset.theme = themeOf(store.get().view); };
  dark.addEventListener("change", () => { apply(); store.set({}); });
  store.listen(apply);
  apply();
}

/** A colour of the theme as it is now, for canvases. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
