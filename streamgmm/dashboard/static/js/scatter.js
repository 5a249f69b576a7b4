// The canvas of the scatter: sized to its place, drawn from a draw list, answering to the pointer and to the keyboard.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { drawList } from "./draw_list.js";
import { extent, plotOf, steady } from "./plot.js";
import { LABEL_FONT, paint } from "./paint.js";
import { hit } from "./hit.js";
import { walked } from "./walk.js";
import { ticks, transformOf } from "./scales.js";
import { axisTitle } from "./axis_choice.js";
import { Tip } from "./tip.js";
import { percent } from "./format.js";
import { labelOf } from "./identity.js";

const MARGINS = { left: 44, right: 12, top: 10, bottom: 28 };
const MOST_MARKS = { x: 7, y: 6 };
const LONG = 40; // letters of a title that takes two lines
const BESIDE = 14; // px, between a label and the edges beside it

export function Scatter({ scene, features, shown, focus, choose }) {
  const canvas = useRef(null);
  const held = useRef({ axes: "", extent: null, list: null });
  const [size, setSize] = useState(null);
  const [under, setUnder] = useState(null);
  useEffect(() => sized(canvas.current, setSize), []);
  useEffect(() => {
    if (!size) return;
    held.current = draw(canvas.current, scene, features, held.current, size, { chosen: focus, at: under?.walked ? under.point.number : null });
    const now = under?.walked && held.current.list.points.find(({ number }) => number === under.point.number);
    if (now && (now.x !== under.x || now.y !== under.y)) setUnder({ point: now, x: now.x, y: now.y, walked: true }); // the picture has moved
  });
  const look = (event) => {
    const { left, top } = canvas.current.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const found = held.current.list && hit(held.current.list, x, y);
    setUnder(found && { ...found, x, y });
  };
  const pick = () => choose({ focus: under?.ellipse?.id ?? under?.point?.id ?? null });
  const walk = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const known = held.current.list?.points ?? [];
    const here = under?.walked ? known.find(({ number }) => number === under.point.number) ?? under.point : null;
    const next = walked(event.key, known, here);
    if (!next && !(under && ["Enter", "Escape"].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation(); // these keys go through time elsewhere
    if (next) setUnder({ point: next, x: next.x, y: next.y, walked: true });
    else if (event.key === "Enter") pick();
    else setUnder(null);
  };
  const summary = `Scatter of ${scene.points.x.length} recent vectors and ${scene.ellipses.length} components: ${
    scene.ellipses.slice(0, 8).map(({ id, weight }) => `${labelOf(id)} ${percent(weight)}`).join(", ")}`;
  const up = axisTitle(scene.view.y, features);
  return html`<div class=${up.length > LONG ? "scatter long" : "scatter"}>
    <p class="axis-y"><span>${up}</span></p>
    <div class="canvas"><canvas ref=${canvas} role="application" aria-roledescription="scatter" aria-label=${summary} aria-describedby="walk" tabindex="0"
      onPointerMove=${look} onPointerLeave=${() => setUnder(null)} onClick=${pick} onKeyDown=${walk} onBlur=${() => setUnder(null)}></canvas>
      <p id="walk" class="hidden-visually">Arrow keys go from vector to vector, Enter chooses its component, Escape leaves it.</p>
      <div aria-live="polite" aria-atomic="true">${under && html`<${Tip} under=${under} frame=${shown} />`}</div></div>
    <p class="axis-x">${axisTitle(scene.view.x, features)}</p>
  </div>`;
}

function sized(canvas, setSize) {
  const observer = new ResizeObserver(([{ contentRect: { width, height } }]) => setSize({ width, height }));
  observer.observe(canvas);
  return () => observer.disconnect();
}

function draw(canvas, scene, features, held, { width, height }, { chosen, at }) {
  const axes = `${scene.view.x.key} ${scene.view.y?.key}`;
  const wanted = steady(axes === held.axes ? held.extent : null, extent(scene));
  const context = canvas.getContext("2d");
  const y = marks(scene.view.y, wanted.y, features, MOST_MARKS.y);
  const left = Math.min(width / 2, Math.max(MARGINS.left, widest(context, y) + BESIDE));
  const x = fitting((count) => marks(scene.view.x, wanted.x, features, count), context, width - left - MARGINS.right);
  const plot = plotOf(wanted, width, height, { ...MARGINS, left });
  const list = drawList(scene, plot);
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  paint(context, list, { axes: { x, y }, chosen, at });
  if (window.streamgmm) window.streamgmm.drawList = { ...list, along: axes, axes: { x, y } };
  return { axes, extent: wanted, list };
}

/** Pixels that the widest label takes. */
function widest(context, found) {
  context.font = LABEL_FONT;
  return Math.max(0, ...found.map(({ label }) => context.measureText(label).width));
}

/** As many marks as have room side by side. */
function fitting(some, context, width) {
  for (let count = MOST_MARKS.x; count > 1; count -= 1) {
    const found = some(count);
    if (found.length * (widest(context, found) + BESIDE) <= width) return found;
  }
  return some(1).slice(0, 1);
}

function marks(axis, [low, high], features, count) {
  if (!axis) return [];
  return ticks(low, high, transformOf(axis.feature === null ? "identity" : features[axis.feature].transform), count);
}
