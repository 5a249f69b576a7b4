// What is on the scatter's canvas, as values: places and sizes in pixels. `paint.js` draws it, tests read it.
import { apart } from "./labels.js";
import { SHARES, halfAxes, radiusOf, radiusOnLine } from "./ellipse.js";

const MOST_LABELS = 24; // the heaviest components'; more would hide the picture
const LANE = 0.3; // half height of a component's lane where there is one feature only

/**
 * `scene` is a frame's view, ellipses, reference and points; `plot` maps the model's coordinates to pixels. Outlines are
 * ellipses, of one feature bands (`flat`), which end where the interval does at every height.
 */
export function drawList(scene, plot) {
  const placed = scene.view.y ? scene : inLanes(scene);
  const flat = !scene.view.y;
  return {
    plot,
    reference: placed.reference.flatMap((one) => outlines(one, plot, flat, [0.95])),
    ellipses: placed.ellipses.flatMap((one) => outlines(one, plot, flat, SHARES)),
    labels: apart(heaviest(placed.ellipses).map(({ id, weight, centre }) => ({ id, weight, ...plot.place(centre) }))),
    points: marks(placed.points, plot),
  };
}

const heaviest = (ellipses) => ellipses.filter(({ centre }) => known(centre)).sort((a, b) => a.weight - b.weight).slice(-MOST_LABELS);
const known = (centre) => centre.every((value) => value !== null);

function outlines({ id, weight, centre, covariance }, plot, flat, shares) {
  if (!known(centre)) return [];
  const { x, y } = plot.place(centre);
  const [[xx, xy], [, yy]] = covariance;
  const inPixels = [[xx * plot.sx ** 2, -xy * plot.sx * plot.sy], [-xy * plot.sx * plot.sy, yy * plot.sy ** 2]];
  const { major, minor, turn } = halfAxes(inPixels);
  return shares.map((share) => {
    const radius = flat ? radiusOnLine(share) : radiusOf(share);
    return flat
      ? { id, weight, share, flat, x, y, rx: Math.sqrt(xx) * plot.sx * radius, ry: LANE * plot.sy * (share > 0.9 ? 1 : 0.85), turn: 0 }
      : { id, weight, share, flat, x, y, rx: major * radius, ry: minor * radius, turn };
  });
}

function marks(points, plot) {
  const wild = new Set(points.outlier);
  const found = [];
  for (let i = 0; i < points.x.length; i += 1) {
    if (points.x[i] === null || points.y[i] === null) continue;
    const { x, y } = plot.place([points.x[i], points.y[i]]);
    if (x < plot.left || x > plot.right || y < plot.top || y > plot.bottom) continue;
    found.push({ number: points.first + i, id: points.component[i], certainty: points.certainty[i], x, y, age: points.x.length - i, outlier: wild.has(i) });
  }
  return found;
}

/** Of one feature there is no plane: each component gets a lane, and its vectors lie scattered in it; who is gone has none. */
export function inLanes(scene) {
  const lane = new Map(scene.ellipses.map(({ id }, row) => [id, row]));
  const raised = ({ centre, covariance, id, ...rest }) => ({
    ...rest, id, centre: [centre[0], lane.get(id)], covariance: [[covariance[0][0], 0], [0, 0]],
  });
  const within = (id, number) => (lane.has(id) ? lane.get(id) + LANE * jitter(number) : null);
  const y = scene.points.x.map((_, i) => within(scene.points.component[i], scene.points.first + i));
  const reference = scene.reference.filter(({ id }) => lane.has(id)).map(raised);
  return { ...scene, ellipses: scene.ellipses.map(raised), reference, points: { ...scene.points, y } };
}

const jitter = (number) => 1.6 * ((number * 0.618034) % 1) - 0.8;
