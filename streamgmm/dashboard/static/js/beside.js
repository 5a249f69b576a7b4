// Beside the alarm: what kind of change it is. None of it alarms; what is out of the ordinary is marked.
import { html } from "./html.js";
import { compact, percent, signed, spaced } from "./format.js";

const CHANGE = 0.1; // stability index: by custom a change above this, a large one above
const LARGE = 0.25; // this
const NOISE = 0.15; // distance of a feature's transform: only above it is more than noise
const MOST = 3; // features

/** `drift` is a frame's: its stability index, and its diagnosis where there is a reference. */
export function Beside({ drift: { diagnosis, population_stability_index: index } }) {
  if (!diagnosis) return null;
  const { outlier_rate: outliers, assignment_entropy: unsure, assignment_entropy_before: usual, transforms } = diagnosis;
  const furthest = transforms.slice(0, MOST);
  return html`<h3>Beside the alarm <small>what kind of change it is; none of it alarms</small></h3>
    <dl class="beside">
      <${Fact} name="outliers" value=${percent(outliers)} hint="unlike the reference's" />
      <${Fact} name="weights' shift" value=${index === null ? compact(index) : index.toFixed(2)} hint="stability index, above 0.1 a change" tone=${index > LARGE ? "bad" : index > CHANGE ? "watch" : ""} />
      <${Fact} name="components in use" value=${compact(diagnosis.effective_components)} hint="${compact(diagnosis.effective_components_before)} in the reference" />
      <${Fact} name="undecided" value="${compact(unsure)} nats" hint=${usual === null ? "" : `${signed(unsure - usual, 2)} against the reference`} />
      ${furthest.length > 0 && html`<${Fact} name="odd inside their component" value=${spaced(furthest[0].feature)} tone=${furthest[0].distance > NOISE ? "watch" : ""}
        hint=${furthest.map(({ feature, distance }) => `${spaced(feature)} ${distance.toFixed(2)}`).join(", ")} />`}
    </dl>`;
}

function Fact({ name, value, hint, tone = "" }) {
  return html`<div class="fact ${tone}"><dt>${name}</dt><dd><b class="number">${value}</b><small>${hint}</small></dd></div>`;
}
