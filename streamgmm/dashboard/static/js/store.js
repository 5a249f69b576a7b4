// The page's whole state: one value, replaced at each change.
import { emptyHistory } from "./history.js";

/** `view` is what the person has chosen and what the address holds; all else comes from the service. */
export function createStore(view) {
  let state = {
    view,
    link: "connecting", // connecting, live, lost, full, refused, hidden
    frame: null, // the newest
    history: emptyHistory(),
    past: null, // the frame that is shown while rewound
    notice: null,
  };
  const listeners = new Set();
  return {
    get: () => state,
    set(change) {
      state = { ...state, ...change };
      for (const listener of listeners) listener(state);
    },
    choose(change) {
      this.set({ view: { ...state.view, ...change } });
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
