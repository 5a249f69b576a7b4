// Draws a draw list on a canvas.
import { colour } from "./theme.js";
import { colourName, labelOf, shapeOf, trace } from "./identity.js";
import { percent } from "./format.js";

export const LABEL_FONT = "12px system-ui, sans-serif";
const POINT = 2.6; // px
const FADED = 0.25; // opacity of the oldest point, of a fresh one's
const FEW = 12; // labels that have room for the weight
const CROWD = 80; // rings above which they are drawn thin, and the reference's not at all
const SURE = [0.25, 0.95]; // opacity from a guess to certainty

/** `chosen` is the component that the rest is dimmed for, if it is there; `at` the number of the vector that the keyboard stands on. */
export function paint(context, list, { axes, chosen, at }) {
  const theme = themeColours(list);
  const focus = list.ellipses.some(({ id }) => id === chosen) ? chosen : null;
  context.clearRect(0, 0, list.plot.width, list.plot.height);
  grid(context, list.plot, axes, theme);
  context.save();
  context.beginPath();
  context.rect(list.plot.left, list.plot.top, list.plot.right - list.plot.left, list.plot.bottom - list.plot.top);
  context.clip();
  points(context, list.points, theme, focus);
  if (list.reference.length <= CROWD / 2) reference(context, list.reference, theme);
  ellipses(context, list.ellipses, theme, focus);
  labels(context, list.labels, list.plot, theme, focus);
  for (const { number, x, y } of list.points) if (number === at) stand(context, x, y, theme);
  context.restore();
}

function themeColours({ ellipses, points }) {
  const ids = new Set([...ellipses.map(({ id }) => id), ...points.map(({ id }) => id)]);
  const of = new Map([...ids].map((id) => [id, colour(colourName(id))]));
  return { of, ink: colour("ink"), soft: colour("soft"), line: colour("faint"), panel: colour("panel"), bad: colour("bad") };
}

function grid(context, plot, { x, y }, theme) {
  context.lineWidth = 1;
  context.strokeStyle = theme.line;
  context.fillStyle = theme.soft;
  context.font = LABEL_FONT;
  const line = (x0, y0, x1, y1) => { context.beginPath(); context.moveTo(x0, y0); context.lineTo(x1, y1); context.stroke(); };
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const { at, label } of x) {
    const place = Math.round(plot.place([at, plot.y[0]]).x) + 0.5;
    line(place, plot.top, place, plot.bottom);
    context.fillText(label, place, plot.bottom + 7);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const { at, label } of y) {
    const place = Math.round(plot.place([plot.x[0], at]).y) + 0.5;
    line(plot.left, place, plot.right, place);
    context.fillText(label, plot.left - 7, place);
  }
  context.strokeRect(plot.left + 0.5, plot.top + 0.5, plot.right - plot.left - 1, plot.bottom - plot.top - 1);
}

function points(context, found, theme, focus) {
  const oldest = found.length ? found[0].age : 1;
  for (const { id, x, y, certainty, age, outlier } of found) {
    const dimmed = focus !== null && focus !== id ? 0.2 : 1;
    const fresh = FADED + (1 - FADED) * (1 - age / oldest);
    context.globalAlpha = dimmed * fresh * (SURE[0] + (SURE[1] - SURE[0]) * certainty ** 2);
    context.beginPath();
    trace(context, shapeOf(id), x, y, POINT);
    context.fillStyle = theme.of.get(id);
    context.fill();
    if (outlier) ring(context, x, y, theme);
  }
  context.globalAlpha = 1;
}

function ring(context, x, y, theme) {
  context.beginPath();
  context.arc(x, y, POINT * 2, 0, 2 * Math.PI);
  context.strokeStyle = theme.bad;
  context.lineWidth = 1;
  context.stroke();
}

/** A ring that is seen on any ground. */
function stand(context, x, y, theme) {
  for (const [width, colour] of [[5, theme.panel], [2.2, theme.ink]]) {
    context.beginPath();
    context.arc(x, y, POINT * 3, 0, 2 * Math.PI);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }
}

function outline(context, { flat, x, y, rx, ry, turn }) {
  context.beginPath();
  if (flat) context.rect(x - rx, y - ry, 2 * rx, 2 * ry);
  else context.ellipse(x, y, rx, ry, turn, 0, 2 * Math.PI);
}

function reference(context, found, theme) {
  context.setLineDash([3, 5]);
  context.strokeStyle = theme.soft;
  context.lineWidth = 1.4;
  for (const one of found) {
    outline(context, one);
    context.stroke();
  }
  context.setLineDash([]);
}

function ellipses(context, found, theme, focus) {
  const crowded = found.length > CROWD; // thin and unfilled, so that the vectors are still seen
  for (const one of found) {
    const chosen = focus === one.id;
    outline(context, one);
    context.globalAlpha = focus !== null && !chosen ? 0.3 : crowded && !chosen && one.share > 0.9 ? 0.35 : 1;
    context.strokeStyle = theme.of.get(one.id);
    context.lineWidth = (one.share > 0.9 ? 1.6 : 2.6) / (crowded ? 2 : 1) + (chosen ? 1.2 : 0);
    context.stroke();
    if (crowded && !chosen) continue;
    context.globalAlpha *= one.share > 0.9 ? 0.05 : 0.09;
    context.fillStyle = theme.of.get(one.id);
    context.fill();
  }
  context.globalAlpha = 1;
}

/** Each at its component's centre, moved inwards where it would be cut off. */
function labels(context, found, { left, right, top, bottom }, theme, focus) {
  context.font = "700 13px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const { id, weight, ...centre } of found) {
    context.globalAlpha = focus !== null && focus !== id ? 0.4 : 1;
    const text = found.length > FEW ? labelOf(id) : `${labelOf(id)}  ${percent(weight)}`;
    const width = context.measureText(text).width;
    const x = between(left + width / 2 + 15, centre.x, right - width / 2 - 14), y = between(top + 12, centre.y, bottom - 12);
    context.fillStyle = theme.panel;
    context.strokeStyle = theme.of.get(id);
    context.lineWidth = 1.5;
    context.beginPath();
    context.roundRect(x - width / 2 - 13, y - 10, width + 25, 20, 10);
    context.fill();
    context.stroke();
    context.fillStyle = theme.of.get(id);
    context.beginPath();
    trace(context, shapeOf(id), x - width / 2 - 3, y, 4.2);
    context.fill();
    context.fillStyle = theme.ink;
    context.fillText(text, x - width / 2 + 5, y + 0.5);
  }
  context.globalAlpha = 1;
}

const between = (low, value, high) => Math.max(low, Math.min(value, high));
