// A curve without axes, small enough for a line of text.
import { html } from "./html.js";

const [WIDTH, HEIGHT] = [100, 24];

export function Sparkline({ values, floor = null }) {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length < 2) return html`<svg class="sparkline" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true"></svg>`;
  const low = Math.min(...known, floor ?? Infinity);
  const size = Math.max(...known) - low || 1;
  const place = (value, i) => `${((i * WIDTH) / (known.length - 1)).toFixed(1)},${(HEIGHT - 2 - ((value - low) / size) * (HEIGHT - 4)).toFixed(1)}`;
  return html`<svg class="sparkline" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
    <polyline points=${known.map(place).join(" ")} /></svg>`;
}
