// Before there are clusters: what happens first, and how far that is.
import { html } from "./html.js";

const STEPS = [
  ["Records arrive", "in the input topic"],
  ["The model starts", "from the first vectors, and the clusters appear here"],
  ["A reference is frozen", "once the model has settled"],
  ["Drift is watched", "against that reference"],
];

/** `at` is the number of steps that are done. */
export function Steps({ at }) {
  return html`<ol class="steps">${STEPS.map(([what, more], i) => html`<li class=${i < at ? "done" : i === at ? "now" : ""} aria-current=${i === at ? "step" : undefined}>
    <b>${what}</b> <span>${more}</span></li>`)}</ol>`;
}
