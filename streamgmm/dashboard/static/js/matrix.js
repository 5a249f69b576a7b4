// Features by components: how far each mean has moved, as a number and as a colour.
import { html } from "./html.js";
import { Panel } from "./panel.js";
import { Mark } from "./mark.js";
import { compact, signed, spreads, titled } from "./format.js";

const MOST = 24; // components
const FULL = 3; // standard deviations at which the colour is full

const ABOUT = "The mean of each feature in each component and, below, how many of the reference's standard deviations it has moved: the stronger the colour, the further.";

export function Matrix({ frame }) {
  const { shown, components, model: { features } } = frame;
  const columns = [...components].sort((a, b) => b.weight - a.weight).slice(0, MOST);
  if (!columns.length) return null;
  const apart = spreads(frame);
  const left = [features.length - shown.length && `${features.length - shown.length} features`, components.length - columns.length && `${components.length - columns.length} components`].filter(Boolean);
  return html`<${Panel} name="matrix" title="Features by components" about=${ABOUT}>
    <div class="scroll" tabindex="0" role="region" aria-label="Features by components">
      <table><thead><tr><th scope="col">feature</th>${columns.map(({ id }) => html`<th scope="col"><${Mark} id=${id} /></th>`)}</tr></thead>
        <tbody>${shown.map((feature, row) => html`<tr><th scope="row">${titled(features[feature])}</th>
          ${columns.map(({ mean, deviation }) => html`<${Cell} mean=${mean[row]} apart=${apart[row]} moved=${deviation[row]} />`)}</tr>`)}</tbody></table></div>
    ${left.length > 0 && html`<p class="about">Left out: ${left.join(" and ")}, those that moved least or weigh least; all are in <a href="/api/v1/components">/api/v1/components</a>.</p>`}
  </${Panel}>`;
}

function Cell({ mean, apart, moved }) {
  const strength = moved === null ? 0 : Math.min(1, Math.abs(moved) / FULL);
  return html`<td class="number ${moved < 0 ? "fell" : "rose"}" style=${{ "--strength": `${Math.round(45 * strength)}%` }}>
    ${compact(mean, apart)}<small>${moved === null ? " " : `${signed(moved)} sd`}</small></td>`;
}
