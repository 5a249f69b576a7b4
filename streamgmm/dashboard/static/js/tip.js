// What lies under the pointer: a vector's features and responsibilities, or a component's card.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { Mark } from "./mark.js";
import { compact, percent, signed, spreads, titled, whole } from "./format.js";

const MOST = 5; // lines
const AWAY = 14; // px, from what it speaks of
const LEAST = 0.005; // share of a component that is told

export function Tip({ under, frame }) {
  const box = useRef(null);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => beside(box.current, under)); // what is told comes later, and widens it
    observer.observe(box.current);
    beside(box.current, under);
    return () => observer.disconnect();
  }, [under.x, under.y]);
  return html`<div class="tip" ref=${box} style=${{ left: `${under.x}px`, top: `${under.y}px` }}>
    ${under.point ? html`<${Vector} point=${under.point} frame=${frame} />` : html`<${Card} id=${under.ellipse.id} frame=${frame} />`}
  </div>`;
}

/** Moved to the side where there is more room, and no further than the picture's edges. */
function beside(box, { x, y }) {
  const { clientWidth: width, clientHeight: height } = box.offsetParent;
  const left = x > width / 2 ? x - AWAY - box.offsetWidth : x + AWAY;
  const within = Math.max(0, Math.min(left, width - box.offsetWidth));
  box.style.transform = `translate(${within - x}px, ${y > height / 2 ? -AWAY - box.offsetHeight : AWAY}px)`;
}

/** Numbers of the features that are told: first those on the axes. */
function toldOf({ view, model: { features } }) {
  const onAxes = [view?.x.feature, view?.y?.feature].filter((feature) => feature !== null && feature !== undefined);
  return [...new Set([...onAxes, ...features.keys()])].slice(0, MOST);
}

function Vector({ point, frame }) {
  const { shown, model: { features } } = frame;
  const apart = spreads(frame);
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
    <dl>${toldOf(frame).map((i) => html`<dt>${titled(features[i])}</dt><dd class="number">${compact(found.features[i], apart[shown.indexOf(i)])}</dd>`)}</dl>`;
}

function Card({ id, frame }) {
  const card = frame.components.find((one) => one.id === id);
  if (!card) return null;
  const first = toldOf(frame), apart = spreads(frame);
  const place = (feature) => (first.includes(feature) ? first.indexOf(feature) : MOST);
  const largest = frame.shown.map((feature, i) => [feature, compact(card.mean[i], apart[i]), card.deviation[i]]).sort(([a], [b]) => place(a) - place(b)).slice(0, MOST);
  return html`<p><${Mark} id=${id} /> <b class="number">${percent(card.weight)}</b> of the stream, as ${whole(card.effective)} vectors say</p>
    <dl>${largest.map(([feature, mean, moved]) => html`<dt>${titled(frame.model.features[feature])}</dt>
      <dd class="number">${mean}${moved === null ? "" : ` (${signed(moved)} sd)`}</dd>`)}</dl>`;
}
