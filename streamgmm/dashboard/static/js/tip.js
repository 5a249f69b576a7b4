// What lies under the pointer: a vector's features and responsibilities, or a component's card.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { Mark } from "./mark.js";
import { compact, percent, signed, titled, whole } from "./format.js";

const MOST = 5; // lines
const LEAST = 0.005; // share of a component that is told

export function Tip({ under, frame }) {
  const side = `${under.x > 320 ? "left" : "right"} ${under.y > 200 ? "above" : "below"}`;
  return html`<div class="tip ${side}" style=${{ left: `${under.x}px`, top: `${under.y}px` }}>
    ${under.point ? html`<${Vector} point=${under.point} features=${frame.model.features} />` : html`<${Card} id=${under.ellipse.id} frame=${frame} />`}
  </div>`;
}

function Vector({ point, features }) {
  const { number } = point;
  const [answer, setAnswer] = useState({});
  useEffect(() => {
    let wanted = true;
    fetch(`/api/v1/points/${number}`).then((given) => (given.ok ? given.json() : { gone: true })).then((vector) => { if (wanted) setAnswer({ number, vector }); }).catch(() => {});
    return () => { wanted = false; };
  }, [number]);
  const found = answer.number === number ? answer.vector : null; // what was said of the last one is not said of this one
  if (!found) return html`<p>a vector of <${Mark} id=${point.id} /></p>`;
  if (found.gone) return html`<p>This vector is no longer kept.</p>`;
  const shares = Object.entries(found.responsibilities).sort((a, b) => b[1] - a[1]).filter(([, share], i) => i === 0 || share >= LEAST).slice(0, MOST);
  return html`<p><strong>A vector</strong>${found.outlier ? ", an outlier" : ""} belongs to</p>
    <ul>${shares.map(([id, share]) => html`<li><${Mark} id=${Number(id)} /> <b class="number">${percent(share)}</b></li>`)}</ul>
    <dl>${features.slice(0, MOST).map((feature, i) => html`<dt>${titled(feature)}</dt><dd class="number">${compact(found.features[i])}</dd>`)}</dl>`;
}

function Card({ id, frame }) {
  const card = frame.components.find((one) => one.id === id);
  if (!card) return null;
  const largest = frame.shown.map((feature, i) => [feature, card.mean[i], card.deviation[i]]).slice(0, MOST);
  return html`<p><${Mark} id=${id} /> <b class="number">${percent(card.weight)}</b> of the stream, as ${whole(card.effective)} vectors say</p>
    <dl>${largest.map(([feature, mean, moved]) => html`<dt>${titled(frame.model.features[feature])}</dt>
      <dd class="number">${compact(mean)}${moved === null ? "" : ` (${signed(moved)} sd)`}</dd>`)}</dl>`;
}
