// One stream of frames from the service: opened while the page is seen, closed while it is hidden, opened again when
// it was lost, and anew when the axes change.
import { extended } from "./history.js";

const FIRST_WAIT = 500; // ms before the first new try; it doubles
const LONGEST_WAIT = 8000;
const SILENCE = 25000; // ms: the service says something every ten seconds
const WATCH = 5000; // ms between looks at the silence

export function connect(store) {
  let source = null, retry = null, wait = FIRST_WAIT, axes = "", heard = 0;

  function open() {
    close();
    if (document.hidden) return store.set({ link: "hidden" });
    const { x, y } = store.get().view;
    axes = `${x} ${y}`;
    heard = Date.now();
    source = new EventSource(`/api/v1/live?${new URLSearchParams({ x, y })}`);
    source.addEventListener("open", () => { heard = Date.now(); });
    source.addEventListener("frame", (event) => take(JSON.parse(event.data)));
    source.addEventListener("error", lost);
  }

  function close() {
    source?.close();
    source = null;
    clearTimeout(retry);
  }

  function take(frame) {
    heard = Date.now();
    wait = FIRST_WAIT;
    store.set({ link: "live", frame, history: extended(store.get().history, frame) });
  }

  async function lost() {
    close();
    store.set({ link: store.get().frame ? "lost" : "connecting" });
    const link = await reasonOf();
    if (link) store.set({ link });
    retry = setTimeout(open, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  }

  // A client of server-sent events is not told why it was refused: a plain request is.
  async function reasonOf() {
    try {
      const answer = await fetch("/api/v1/stream", { cache: "no-store" });
      if (answer.status === 401 || answer.status === 403) return "refused";
      return answer.ok && wait > 4 * FIRST_WAIT ? "full" : null;
    } catch {
      return null;
    }
  }

  document.addEventListener("visibilitychange", open);
  store.listen(({ view }) => { if (`${view.x} ${view.y}` !== axes) open(); });
  setInterval(() => { if (source && Date.now() - heard > SILENCE) lost(); }, WATCH);
  open();
}
