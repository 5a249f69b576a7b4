// Looking at an earlier moment: the view names it, its frame is fetched from the service's ring, the newest wish wins.
import { kept } from "./history.js";

const TOO_OLD = "That moment is no longer kept: the page follows the stream.";
const NO_ANSWER = "That moment could not be fetched, the service does not answer: the page follows the stream.";
const REFUSED = "That moment could not be fetched, the service asks for its token: load the page again to log in.";
const SLACK = 1; // seconds before the oldest frame that still count as it

/** `to(time)` shows the frame nearest to it, `step(n)` moves by frames, `live()` follows the stream again. */
export function createRewind(store) {
  let asked = null;

  const moments = () => (store.get().frame ? kept(store.get()) : []);

  function live(notice = null) {
    store.set({ past: null, notice, view: { ...store.get().view, at: null } });
  }

  function to(time) {
    const row = nearest(moments(), time);
    if (row) store.choose({ at: row.time });
  }

  function step(by) {
    const { view } = store.get(), rows = moments();
    const here = view.at === null ? rows.length - 1 : rows.indexOf(nearest(rows, view.at));
    const row = rows[Math.min(Math.max(here + by, 0), rows.length - 1)];
    if (row) to(row.time);
  }

  async function fetched(wish, { at, x, y }, rows) {
    if (at < rows[0].time - SLACK) return live(TOO_OLD);
    const { number } = nearest(rows, at);
    const newest = asFetched(store.get(), number, x, y);
    if (newest) return store.set({ past: newest, notice: null });
    try {
      const answer = await fetch(`/api/v1/frames/${number}?${new URLSearchParams({ x, y })}`, { cache: "no-store" });
      const frame = answer.ok ? await answer.json() : null;
      if (wish !== asked) return;
      if (frame) store.set({ past: frame, notice: null });
      else if (answer.status === 404) live(TOO_OLD);
      else if ([401, 403].includes(answer.status)) live(REFUSED);
      else live(NO_ANSWER);
    } catch {
      if (wish === asked) live(NO_ANSWER);
    }
  }

  store.listen(({ view }) => {
    const wish = view.at === null ? null : `${view.at} ${view.x} ${view.y}`;
    if (wish === asked) return;
    const rows = moments();
    if (wish && !rows.length) return;
    asked = wish;
    if (wish) fetched(wish, view, rows);
  });

  const toggle = () => (store.get().view.at === null ? step(0) : live());
  return { to, live, step, toggle };
}

/** The newest frame as the service would give it, where it is the one that is wanted: by then it may be dropped. */
function asFetched({ frame, history }, number, x, y) {
  const { view } = frame;
  const along = !view || (view.x.key === x && (view.y?.key ?? y) === y);
  return frame.number === number && along ? { ...frame, points: history.points, events: history.events } : null;
}

export function nearest(rows, time) {
  let best = null;
  for (const row of rows) if (!best || Math.abs(row.time - time) < Math.abs(best.time - time)) best = row;
  return best;
}
