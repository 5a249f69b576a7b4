// Numbers as people read them; what is missing is a dash.
export const MISSING = "–";

const missing = (value) => value === null || value === undefined || Number.isNaN(value);

/**
 * Three digits or so: 0.85, 14.0, 106, 12,300, 1.2e-5. Where values lie `apart` by less than these show, as many as tell
 * one from the other: 1,000,000,004.
 */
export function compact(value, apart = null) {
  if (missing(value)) return MISSING;
  const size = Math.abs(value);
  const short = size && (size < 0.001 || size >= 1e7);
  const digits = short ? 1 - power(size) : size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 4;
  const needed = apart > 0 && apart < size ? 1 - power(apart) : digits;
  return needed > digits && size < 1e15 ? fixed(value, Math.min(needed, 15 - power(size))) : short ? minus(value.toExponential(1)) : fixed(value, digits);
}

const power = (size) => Math.floor(Math.log10(size));
export const minus = (text) => text.replaceAll("-", "−").replaceAll("e−", "e-");

/** With so many digits behind the point; those before it are always there. */
export function fixed(value, digits) {
  const count = Math.min(20, Math.max(0, digits));
  return minus((Number(value.toFixed(count)) || 0).toLocaleString("en", { minimumFractionDigits: count, maximumFractionDigits: count }));
}

/** How far the furthest of these are apart; null where fewer than two are known. */
export function spread(values) {
  const known = values.filter((value) => !missing(value));
  return known.length > 1 ? Math.max(...known) - Math.min(...known) : null;
}

/** For each shown feature how far the components' means are apart. */
export const spreads = ({ components, shown }) => shown.map((_, row) => spread(components.map(({ mean }) => mean[row])));

export const whole = (value) => (missing(value) ? MISSING : Math.round(value).toLocaleString("en"));
export const percent = (share) => (missing(share) ? MISSING : share > 0 && share < 0.005 ? "<1 %" : `${Math.round(100 * share)} %`);
export function signed(value, digits = 1) {
  if (missing(value)) return MISSING;
  const size = Math.abs(value).toFixed(digits);
  return `${Number(size) === 0 ? "" : value < 0 ? "−" : "+"}${size}`;
}

export function bytes(value) {
  if (missing(value)) return MISSING;
  const power = value < 1 ? 0 : Math.min(4, Math.floor(Math.log(value) / Math.log(1024)));
  const scaled = value / 1024 ** power;
  return `${scaled.toFixed(scaled < 10 && power ? 1 : 0)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

/** 850 ms, 12 s, 3 min, 5 h, 2 d. */
export function seconds(value) {
  if (missing(value)) return MISSING;
  if (value < 1) return `${Math.max(0, Math.round(1000 * value))} ms`;
  for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) if (value >= 2 * size) return `${Math.round(value / size)} ${unit}`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
}

export const clock = (time) => new Date(1000 * time).toLocaleTimeString("en-GB");
export const words = (name) => name.replaceAll("_", " ");

/** Words that can be broken: GapBetweenPACs is Gap Between PACs. */
export const spaced = (name) => name.replace(/(?<=[a-z])(?=[A-Z])|_/g, " ");
export const titled = (feature) => `${spaced(feature.name)}${feature.unit ? ` (${feature.unit})` : ""}`;
