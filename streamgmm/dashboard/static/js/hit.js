// What lies under the pointer: a point before an ellipse, the nearest point, the smallest ellipse.
const NEAR = 7; // px

export function hit({ points, ellipses }, x, y) {
  let best = null, least = NEAR ** 2;
  for (const point of points) {
    const far = (point.x - x) ** 2 + (point.y - y) ** 2;
    if (far < least) [best, least] = [point, far];
  }
  if (best) return { point: best };
  const around = ellipses.filter((one) => inside(one, x, y)).sort((a, b) => a.rx * a.ry - b.rx * b.ry);
  return around.length ? { ellipse: around[0] } : null;
}

function inside({ flat, x: cx, y: cy, rx, ry, turn }, x, y) {
  const [c, s, dx, dy] = [Math.cos(turn), Math.sin(turn), x - cx, y - cy];
  if (flat) return Math.abs(dx) <= rx && Math.abs(dy) <= ry;
  return ((c * dx + s * dy) / rx) ** 2 + ((-s * dx + c * dy) / ry) ** 2 <= 1;
}
