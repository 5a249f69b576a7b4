// What the page remembers: bounded, whatever the length of the stream.
export const MOST_ROWS = 1200;
export const MOST_POINTS = 5000;
export const MOST_EVENTS = 200;

const NO_POINTS = { first: 0, x: [], y: [], component: [], certainty: [], outlier: [] };

export const emptyHistory = () => ({ instance: null, rows: [], events: [], points: NO_POINTS });

/** The history with a frame's news; a frame that is complete, or comes from another process, begins anew. */
export function extended(history, frame) {
  const anew = frame.complete || frame.instance !== history.instance;
  const rows = anew ? frame.series : [...without(history.rows, frame), ...frame.series];
  return {
    instance: frame.instance,
    rows: rows.slice(-MOST_ROWS),
    events: (anew ? frame.events : [...history.events, ...frame.events]).slice(-MOST_EVENTS),
    points: anew ? frame.points ?? NO_POINTS : joined(history.points, frame.points ?? NO_POINTS),
  };
}

/** The moments that the service can still show: its ring is bounded in bytes too, and drops them before the page does. */
export const kept = ({ history: { rows }, frame }) => rows.filter(({ number }) => number >= frame.oldest.number);

const without = (rows, frame) => rows.filter((row) => row.time < frame.time);

function joined(before, news) {
  const length = before.x.length + news.x.length;
  const dropped = Math.max(0, length - MOST_POINTS);
  const first = before.x.length ? before.first : news.first;
  const column = (name) => [...before[name], ...news[name]].slice(dropped ? -MOST_POINTS : 0);
  const outlier = [...before.outlier, ...news.outlier.map((row) => row + before.x.length)];
  return {
    first: first + dropped,
    x: column("x"),
    y: column("y"),
    component: column("component"),
    certainty: column("certainty"),
    outlier: outlier.map((row) => row - dropped).filter((row) => row >= 0),
  };
}
