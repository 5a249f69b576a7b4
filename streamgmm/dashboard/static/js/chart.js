// A time series by uPlot: made once for its lines, fed with rows, coloured by the theme, with limits and events on it.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { html } from "./html.js";
import { clock } from "./format.js";
import { colour } from "./theme.js";

const END = 28; // px to the right of the newest value: half of the label below it

/**
 * `lines`: [{name, colour, of(row)}]; `limits`: values to draw across, `warnings`: those below them; `events`: [{time, sign}]; `until`: where the
 * shown moment is while rewound; `bounds`: what the value axis shows at least, `words` what it calls its marks.
 */
export function Chart({ rows, lines, limits = [], warnings = [], events = [], until = null, bounds = null, words = null, theme, label, height }) {
  const place = useRef(null);
  const drawn = useRef({});
  drawn.current = { ...drawn.current, limits, warnings, events, until };
  const names = `${lines.map(({ name }) => name).join("|")} ${theme}`;
  useEffect(() => {
    const plot = new uPlot(options(lines, { bounds, words }, height, place.current.clientWidth, drawn), data(rows, lines), place.current);
    drawn.current.plot = plot;
    const observer = new ResizeObserver(([{ contentRect: { width } }]) => plot.setSize({ width, height }));
    observer.observe(place.current);
    return () => { observer.disconnect(); plot.destroy(); };
  }, [names, height]);
  useEffect(() => drawn.current.plot?.setData(data(rows, lines)));
  return html`<div class="chart" ref=${place} role="img" aria-label=${label}></div>`;
}

const data = (rows, lines) => [rows.map(({ time }) => time), ...lines.map(({ of }) => rows.map((row) => of(row) ?? null))];

function options(lines, { bounds, words }, height, width, drawn) {
  const axis = { stroke: colour("soft"), grid: { stroke: colour("faint"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    width, height,
    padding: [null, END, null, null],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 }, y: false },
    scales: { y: { range: (_, low, high) => range(low, high, bounds) } },
    axes: [{ ...axis, space: 80, size: 24, gap: 4, values: (_, times) => times.map(clock) }, { ...axis, size: 52, space: 26, values: words && ((_, values) => values.map(words)) }],
    series: [{}, ...lines.map(({ name, colour: stroke, dash }) => ({ label: name, stroke: colour(stroke), width: 2, dash, points: { show: false } }))],
    hooks: { drawClear: [(plot) => limitsOn(plot, drawn.current)], draw: [(plot) => timesOn(plot, drawn.current)] },
  };
}

function range(low, high, bounds) {
  const from = Math.min(low ?? Infinity, bounds?.[0] ?? Infinity), to = Math.max(high ?? -Infinity, bounds?.[1] ?? -Infinity);
  if (!Number.isFinite(from) || !Number.isFinite(to)) return [0, 1];
  const margin = 0.08 * (to - from || Math.abs(to) || 1);
  return [from - margin, to + margin];
}

/** Beyond its limit a value alarms: that part is shaded. */
function limitsOn(plot, { limits, warnings }) {
  const { ctx, bbox: { left, top, width, height } } = plot;
  ctx.save();
  for (const limit of limits) {
    const at = plot.valToPos(limit, "y", true);
    ctx.fillStyle = colour("bad-back");
    if (limit > 0 && at > top) ctx.fillRect(left, top, width, Math.min(at, top + height) - top);
    if (limit < 0 && at < top + height) ctx.fillRect(left, Math.max(at, top), width, top + height - Math.max(at, top));
    line(ctx, left, at, left + width, at, "bad", [6, 4]);
  }
  for (const warning of warnings) {
    const at = plot.valToPos(warning, "y", true);
    line(ctx, left, at, left + width, at, "watch", [2, 4]);
  }
  ctx.restore();
}

function timesOn(plot, { events, until }) {
  const { ctx, bbox: { left, top, width, height } } = plot;
  const shown = (time) => { const at = plot.valToPos(time, "x", true); return at >= left && at <= left + width ? at : null; };
  ctx.save();
  ctx.font = `${Math.round(11 * devicePixelRatio)}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  for (const { time, sign } of events) {
    const at = shown(time);
    if (at === null) continue;
    line(ctx, at, top, at, top + height, "soft", [2, 3]);
    ctx.fillStyle = colour("ink");
    ctx.fillText(sign, at, top + 10 * devicePixelRatio);
  }
  const now = until === null ? null : shown(until);
  if (now !== null) line(ctx, now, top, now, top + height, "accent", []);
  ctx.restore();
}

function line(ctx, x0, y0, x1, y1, name, dash) {
  ctx.setLineDash(dash.map((part) => part * devicePixelRatio));
  ctx.strokeStyle = colour(name);
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}
