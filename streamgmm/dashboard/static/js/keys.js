// The keyboard, where no control has the focus that needs the key itself.
import { themeOf } from "./theme.js";

export const KEYS = [
  ["Space", "pause, go on"],
  ["← →", "step through time"],
  ["End", "back to now"],
  ["← ↑ ↓ →", "on the scatter: from vector to vector"],
  ["D", "dark or light"],
  ["Esc", "no component chosen"],
];

export function listenToKeys(store, rewind) {
  const actions = {
    " ": () => rewind.toggle(),
    ArrowLeft: () => rewind.step(-1),
    ArrowRight: () => rewind.step(1),
    End: () => rewind.live(),
    d: () => store.choose({ theme: themeOf(store.get().view) === "dark" ? "light" : "dark" }),
    Escape: () => store.choose({ focus: null }),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || taken(event)) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key]; // D with Shift or Caps Lock too
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function taken({ key, target }) {
  if (target.matches("input, select, textarea")) return key !== "Escape";
  if (target.matches(".scroll")) return key === " " || key === "End" || key.startsWith("Arrow"); // it scrolls by them
  return key === " " && target.matches("button, summary, a");
}
