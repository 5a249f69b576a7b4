// A feature's transform: the model lives behind it, so axes are stretched by it and labelled in the feature's own unit.
import { fixed, minus } from "./format.js";

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
  const label = labels(values);
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

const LONG = 1e7; // from here on a power of ten is shorter, as long as few digits tell the marks apart
const FEW = 4; // digits

/** How to write these values so that no two look alike: as many digits as the smallest step between them asks for. */
function labels(values) {
  const sizes = values.map(Math.abs).filter((size) => size > 0);
  const largest = Math.max(...sizes, 1e-300);
  if (largest / Math.min(...sizes, largest) > 1e4 && values[0] > 0) return short; // decades
  const step = Math.min(...values.slice(1).map((value, i) => value - values[i]), largest);
  const digits = -Math.floor(Math.log10(step) + 1e-9);
  const needed = Math.floor(Math.log10(largest) + 1e-9) + digits;
  if ((largest >= LONG || largest < 0.001) && needed < FEW) return (value) => (value ? minus(value.toExponential(Math.max(0, exponentDigits(value, digits)))) : "0");
  return (value) => fixed(value, digits);
}

const exponentDigits = (value, digits) => Math.floor(Math.log10(Math.abs(value)) + 1e-9) + digits;

function short(value) {
  const size = Math.abs(value);
  return size < 0.001 || size >= LONG ? minus(value.toExponential(0)) : Number(value.toPrecision(6)).toLocaleString("en", { maximumFractionDigits: 6 });
}
