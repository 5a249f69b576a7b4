// Walking from vector to vector by the keyboard: to the next one on a side, to the first and the last.
const AHEAD = {
  ArrowRight: { along: "x", sign: 1 },
  ArrowLeft: { along: "x", sign: -1 },
  ArrowDown: { along: "y", sign: 1 },
  ArrowUp: { along: "y", sign: -1 },
};

/** The point that a key leads to from `at` (null: from nowhere); null where the key leads nowhere. */
export function walked(key, points, at) {
  if (!points.length) return null;
  if (key === "Home") return nearest(points, "x", 1, -Infinity);
  if (key === "End") return nearest(points, "x", -1, Infinity);
  const way = AHEAD[key];
  if (!way) return null;
  if (!at) return newest(points);
  return nearest(points.filter((point) => point.number !== at.number && after(point, at, way)), way.along, way.sign, at[way.along]) ?? at;
}

const newest = (points) => points.reduce((a, b) => (b.number > a.number ? b : a));

/** Behind `at` on that side; those that lie on one line with it go by their number, so that none is passed over. */
function after(point, at, { along, sign }) {
  const ahead = sign * (point[along] - at[along]);
  return ahead > 0 || (ahead === 0 && sign * (point.number - at.number) > 0);
}

function nearest(points, along, sign, from) {
  let best = null;
  for (const point of points) {
    const ahead = sign * (point[along] - (Number.isFinite(from) ? from : 0));
    const better = best === null || ahead < best.ahead || (ahead === best.ahead && sign * (point.number - best.point.number) < 0);
    if (better) best = { point, ahead };
  }
  return best?.point ?? null;
}
