// The ellipse that holds a share of a Gaussian in the plane, and the interval that holds it on a line.
export const SHARES = [0.68, 0.95];

/** Mahalanobis radius that holds `share` of a Gaussian of two dimensions. */
export const radiusOf = (share) => Math.sqrt(-2 * Math.log(1 - share));

/** The same in one dimension, for the shares that are drawn. */
const ON_A_LINE = { 0.68: 0.994458, 0.95: 1.959964 };
export const radiusOnLine = (share) => ON_A_LINE[share];

/** Half axes and turn (radians) of the ellipse (p - c)^T S^-1 (p - c) = 1 for S = [[xx, xy], [xy, yy]]. */
export function halfAxes([[xx, xy], [, yy]]) {
  const middle = (xx + yy) / 2;
  const apart = Math.hypot((xx - yy) / 2, xy);
  return {
    major: Math.sqrt(Math.max(middle + apart, 0)),
    minor: Math.sqrt(Math.max(middle - apart, 0)),
    turn: Math.atan2(2 * xy, xx - yy) / 2,
  };
}
