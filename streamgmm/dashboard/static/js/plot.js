// The scatter's frame: what part of the model's space is shown, and where it lies on the canvas.
import { inLanes } from "./draw_list.js";
import { radiusOf, radiusOnLine } from "./ellipse.js";

const MARGIN = 0.06; // of the span, around what must be seen
const LEAST = 1e-11; // of the values, that a span can be told by
const SHRINK = 0.55; // the span stays until what must be seen needs less than this part of it
const MUCH = 0.995; // of the points that must be seen, the rest may lie outside

/** What must be seen of a scene: `{x: [low, high], y: [low, high]}`. */
export function extent(scene) {
  const placed = scene.view.y ? scene : inLanes(scene);
  const radius = scene.view.y ? radiusOf(0.95) : radiusOnLine(0.95);
  const along = (axis) => {
    const ends = [...placed.ellipses, ...placed.reference].flatMap(({ centre, covariance }) => {
      const reach = radius * Math.sqrt(covariance[axis][axis]);
      return [centre[axis] - reach, centre[axis] + reach];
    });
    return widened(joined(span(ends), inner(placed.points[axis ? "y" : "x"])));
  };
  const y = scene.view.y ? along(1) : [-0.6, Math.max(placed.ellipses.length, 1) - 0.4];
  return { x: along(0), y };
}

/** The last extent where it still fits, so that the picture does not breathe. */
export function steady(last, wanted) {
  if (!last) return wanted;
  const keep = (a, b) => (a[0] <= b[0] && a[1] >= b[1] && b[1] - b[0] > SHRINK * (a[1] - a[0]) ? a : b);
  return { x: keep(last.x, wanted.x), y: keep(last.y, wanted.y) };
}

/** Maps the model's coordinates to pixels within the margins. */
export function plotOf({ x, y }, width, height, margins) {
  const [left, right, top, bottom] = [margins.left, width - margins.right, margins.top, height - margins.bottom];
  const sx = (right - left) / (x[1] - x[0]);
  const sy = (bottom - top) / (y[1] - y[0]);
  const place = ([px, py]) => ({ x: left + (px - x[0]) * sx, y: bottom - (py - y[0]) * sy });
  return { x, y, sx, sy, left, right, top, bottom, width, height, place };
}

function span(values) {
  const known = values.filter(Number.isFinite);
  return known.length ? [Math.min(...known), Math.max(...known)] : null;
}

function inner(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (!sorted.length) return null;
  const out = Math.floor((sorted.length * (1 - MUCH)) / 2);
  return [sorted[out], sorted[sorted.length - 1 - out]];
}

const joined = (a, b) => (a && b ? [Math.min(a[0], b[0]), Math.max(a[1], b[1])] : a ?? b ?? [0, 1]);

function widened([low, high]) {
  const size = high - low, least = LEAST * Math.max(Math.abs(low), Math.abs(high));
  if (size > least) return [low - MARGIN * size, high + MARGIN * size];
  const room = Math.abs(high) / 10 || 1; // a feature that never changes
  return [low - room, high + room];
}
