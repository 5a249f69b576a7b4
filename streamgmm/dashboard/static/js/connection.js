// One stream of frames from the service: opened while the page is seen, closed while it is hidden, opened again when
// it was lost, and anew when the axes change.
import { extended } from "./history.js";

const FIRST_WAIT = 500; // ms before the first new try; it doubles
const LONGEST_WAIT = 8000;
const SILENCE = 25000; // ms: the service says something every ten seconds, be it only that it is here
const WATCH = 5000; // ms between looks at the silence, and what an answer may take
const REFUSALS = { 401: "refused", 403: "refused", 503: "full" };

export function connect(store) {
  let source = null, retry = null, wait = FIRST_WAIT, axes = "", heard = 0;
  const hear = () => { heard = Date.now(); };

  function open() {
    close();
    if (document.hidden) return store.set({ link: "hidden" });
    const { x, y } = store.get().view;
    axes = `${x} ${y}`;
    hear();
    source = new EventSource(address());
    source.addEventListener("open", hear);
    source.addEventListener("here", hear);
    source.addEventListener("frame", (event) => take(JSON.parse(event.data)));
    source.addEventListener("error", lost);
  }

  function close() {
    source?.close();
    source = null;
    clearTimeout(retry);
  }

  function take(frame) {
    hear();
    wait = FIRST_WAIT;
    store.set({ link: "live", frame, history: extended(store.get().history, frame) });
  }

  async function lost() {
    close();
    if (store.get().link === "live") store.set({ link: "lost" });
    const reason = await reasonOf();
    if (source || document.hidden) return; // opened again meanwhile, or not wanted
    store.set({ link: reason ?? (store.get().frame ? "lost" : "connecting") });
    clearTimeout(retry);
    retry = setTimeout(open, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  }

  // A client of server-sent events is not told why it was refused: a plain request is.
  async function reasonOf() {
    const asked = new AbortController();
    const patience = setTimeout(() => asked.abort(), WATCH);
    try {
      const { status } = await fetch(address(), { cache: "no-store", signal: asked.signal });
      return REFUSALS[status];
    } catch {
      return null;
    } finally {
      clearTimeout(patience);
      asked.abort();
    }
  }

  const address = () => `/api/v1/live?${new URLSearchParams({ x: store.get().view.x, y: store.get().view.y })}`;

  document.addEventListener("visibilitychange", open);
  store.listen(({ view }) => { if (`${view.x} ${view.y}` !== axes) open(); });
  setInterval(() => { if (source && Date.now() - heard > SILENCE) lost(); }, WATCH);
  open();
}
