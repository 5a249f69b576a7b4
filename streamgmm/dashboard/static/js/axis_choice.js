// Which two axes: features in their own units, or the reference's principal axes.
import { html } from "./html.js";
import { percent, titled } from "./format.js";

const PRINCIPAL = [["p0", "1st principal axis"], ["p1", "2nd principal axis"]];

export function AxisChoice({ view, features, choose }) {
  if (!view.y) return null;
  const options = html`${features.map((feature, i) => html`<option value=${String(i)}>${titled(feature)}</option>`)}
    ${PRINCIPAL.map(([key, name]) => html`<option value=${key}>${name}</option>`)}`;
  const one = (axis) => html`<label>${axis === "x" ? "across" : "up"}
    <select value=${view[axis].key} onChange=${(event) => choose({ [axis]: event.currentTarget.value })}>${options}</select></label>`;
  const principal = view.x.feature === null && view.y.feature === null;
  return html`<div class="choice">${one("x")}${one("y")}
    <button class="plain" aria-pressed=${principal} onClick=${() => choose(principal ? { x: "0", y: "1" } : { x: "p0", y: "p1" })}>principal axes</button></div>`;
}

/** The axis in words: the feature and its unit, or what the principal axis is made of. */
export function axisTitle(axis, features) {
  if (!axis) return "components, one above the other";
  if (axis.feature !== null) return titled(features[axis.feature]);
  const made = axis.loads.map(({ feature, load }) => `${load < 0 ? "−" : "+"} ${features[feature].name}`).join(" ");
  return `${Object.fromEntries(PRINCIPAL)[axis.key]} (${percent(axis.share)} of variance): ${made}`;
}
