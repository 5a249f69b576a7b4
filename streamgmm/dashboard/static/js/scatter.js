// The canvas of the scatter: sized to its place, drawn from a draw list, answering to the pointer and to the keyboard.
import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { drawList } from "./draw_list.js";
import { extent, plotOf, steady } from "./plot.js";
import { paint } from "./paint.js";
import { hit } from "./hit.js";
import { walked } from "./walk.js";
import { ticks, transformOf } from "./scales.js";
import { axisTitle } from "./axis_choice.js";
import { Tip } from "./tip.js";
import { percent } from "./format.js";
import { labelOf } from "./identity.js";

const MARGINS = { left: 56, right: 12, top: 10, bottom: 28 };

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
  return html`<div class="scatter">
    <p class="axis-y"><span>${axisTitle(scene.view.y, features)}</span></p>
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
  const plot = plotOf(wanted, width, height, MARGINS);
  const list = drawList(scene, plot);
  const ratio = window.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  paint(context, list, { axes: { x: marks(scene.view.x, plot.x, features, 7), y: marks(scene.view.y, plot.y, features, 6) }, chosen, at });
  if (window.streamgmm) window.streamgmm.drawList = list;
  return { axes, extent: wanted, list };
}

function marks(axis, [low, high], features, count) {
  if (!axis) return [];
  return ticks(low, high, transformOf(axis.feature === null ? "identity" : features[axis.feature].transform), count);
}
