// A feature's transform: the model lives behind it, so axes are stretched by it and labelled in the feature's own unit.
const TRANSFORMS = {
  identity: { apply: (v) => v, undo: (z) => z },
  sqrt: { apply: (v) => (v >= 0 ? Math.sqrt(v) : NaN), undo: (z) => (z >= 0 ? z * z : NaN) },
  log: { apply: (v) => (v > 0 ? Math.log(v) : NaN), undo: Math.exp },
  log1p: { apply: (v) => (v > -1 ? Math.log1p(v) : NaN), undo: Math.expm1 },
  logit: { apply: (v) => (v > 0 && v < 1 ? Math.log(v / (1 - v)) : NaN), undo: (z) => 1 / (1 + Math.exp(-z)) },
};

export function transformOf(given) {
  if (typeof given === "string") return TRANSFORMS[given] ?? TRANSFORMS.identity;
  return { apply: (v) => (v - given.mean) / given.scale, undo: (z) => z * given.scale + given.mean };
}

/** Marks between low and high (in the model's coordinates): `{at, label}`, the label in the feature's own unit. */
export function ticks(low, high, transform, count) {
  const [first, last] = [transform.undo(low), transform.undo(high)];
  if (!Number.isFinite(low) || !Number.isFinite(high) || !(high > low)) return [];
  const from = Number.isFinite(first) ? first : 0;
  const values = last / from > 20 && from > 0 ? decades(from, last) : steps(from, last, 2 * count);
  return values
    .map((value) => ({ at: transform.apply(value), label: label(value) }))
    .filter(({ at }) => at >= low && at <= high)
    .filter(farEnough((high - low) / (2.2 * count)));
}

function steps(from, to, count) {
  const rough = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const values = [];
  for (let i = Math.ceil(from / step); i * step <= to && values.length < 50; i += 1) values.push(i * step);
  return values;
}

function decades(from, to) {
  const values = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power += 1) {
    for (const factor of [1, 2, 5]) values.push(factor * 10 ** power);
  }
  return values;
}

const farEnough = (gap) => ((last) => ({ at }) => { if (at - last < gap) return false; last = at; return true; })(-Infinity);

function label(value) {
  const size = Math.abs(value);
  if (size && (size < 0.001 || size >= 1e6)) return value.toExponential(0);
  return Number(value.toPrecision(6)).toLocaleString("en", { maximumFractionDigits: 6 });
}
