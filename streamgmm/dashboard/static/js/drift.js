// Drift: the likelihood, each alarming statistic against its limit, what happened, and what changed.
import { html } from "./html.js";
import { Panel } from "./panel.js";
import { TableBehind } from "./table.js";
import { Chart } from "./chart.js";
import { themeOf } from "./theme.js";
import { clock, compact, percent, words } from "./format.js";
import { Beside } from "./beside.js";
import { signOf } from "./event_signs.js";
import { told } from "./event_words.js";

const COLOURS = 8;
const DASHES = [[], [9, 4], [2, 3], [12, 3, 2, 3], [5, 2], [8, 3, 2, 3, 2, 3]]; // px: who sees no colours tells lines by them
const LAST_EVENTS = 5;
const TABLE_ROWS = 60;

const ABOUT = "How well the frozen reference still explains the stream. Each line is a statistic as a share of its limit: in the shaded part it alarms, above the dotted line it may warn.";

export function Drift({ state, frame, rows, all }) {
  const told = all.slice(Math.max(0, all.findIndex((row) => row.log_likelihood !== null)));
  const { statistics, state: word, progress } = frame.drift;
  const theme = themeOf(state.view);
  const events = state.past ? frame.events : state.history.events; // a frame of the past comes with those until then
  const signs = events.map(({ time, type }) => ({ time, sign: signOf(type) }));
  const until = state.past ? frame.time : null;
  const likelihood = [{ name: "log-likelihood", colour: "calm", of: (row) => row.log_likelihood }];
  const names = [...new Set([...statistics.map(({ name }) => name), ...told.flatMap((row) => Object.keys(row.shares))])];
  const shares = names.map((name, i) => ({ name, colour: `id-${i % COLOURS}`, dash: dashOf(i), of: (row) => row.shares[name] }));
  return html`<${Panel} name="drift" title="Drift" about=${ABOUT}>
    ${frame.view && names.length > 0 && html`<${Legend} names=${names} statistics=${statistics} />
      <${Chart} rows=${told} lines=${shares} limits=${[1]} warnings=${lowestWarning(statistics)} bounds=${[0, 1.3]} words=${percent} events=${signs} until=${until} theme=${theme} height=${160}
        label=${`Statistics over time as a share of their limits; now ${statistics.map(({ name, value, limit }) => `${name} ${percent(share(value, limit))}`).join(", ") || "none is known"}`} />`}
    ${!(frame.view && statistics.length) && html`<p class="empty">${frame.view ? WAITING[word] ?? "" : "There is no model yet."} ${frame.view && word !== "off" && html`<progress max="1" value=${progress} aria-label="done"></progress>`}</p>`}
    ${frame.view && told.some((row) => row.log_likelihood !== null) && html`<h3>Log-likelihood of the vectors <small>nats; higher is better explained</small></h3>
      <${Chart} rows=${told} lines=${likelihood} events=${signs} until=${until} theme=${theme} height=${96} label=${`Log-likelihood over time; now ${compact(frame.model.log_likelihood)} nats`} />`}
    <${Beside} drift=${frame.drift} />
    <${Events} events=${events} />
    <${TableBehind} caption="The statistics" head=${["time", "log-likelihood", ...names.map((name) => `${name} (share of its limit)`)]}
      rows=${() => thinned(rows).map((row) => [clock(row.time), compact(row.log_likelihood), ...names.map((name) => `${compact(row.statistics[name])} (${percent(row.shares[name])})`)])} />
  </${Panel}>`;
}

const WAITING = {
  off: "Drift is switched off (drift.enabled).",
  settling: "The model settles; then it is frozen as the reference that the stream is held against.",
  calibrating: "The reference is frozen. What is usual under it is being learnt; then the limits are known.",
};

/** Newest first, evenly over all the time that the chart shows. */
function thinned(rows) {
  const step = Math.ceil(rows.length / TABLE_ROWS);
  return [...rows].reverse().filter((_, i) => i % step === 0);
}

/** Each statistic has its own warning limit, which the legend tells: below the lowest of them none warns. */
const lowestWarning = (statistics) => {
  const known = statistics.map(({ warning, limit }) => share(warning, limit)).filter((at) => at !== null);
  return known.length ? [Math.min(...known)] : [];
};

const dashOf = (i) => DASHES[i % DASHES.length];

const share = (value, limit) => (value === null || value === undefined || !limit ? null : value / limit);

const limitsOf = ({ warning, limit }) => (warning === null ? "" : `warning above ${compact(warning)}, `) + `alarm above ${compact(limit)}`;

/** After a new reference the lines go on as they were; what they mean now is not known before its limits are. */
function Legend({ names, statistics }) {
  const now = new Map(statistics.map((one) => [one.name, one]));
  return html`<ul class="legend">${names.map((name, i) => html`<li class="id-${i % COLOURS}"><svg viewBox="0 0 30 4" aria-hidden="true"><line x1="0" y1="2" x2="30" y2="2" stroke-dasharray=${dashOf(i).join(" ")} /></svg>${words(name)} <b class="number">${compact(now.get(name)?.value)}</b>
    <small>${now.has(name) ? limitsOf(now.get(name)) : "no limit yet"}</small></li>`)}</ul>`;
}

function Events({ events }) {
  if (!events.length) return html`<p class="about">No events yet.</p>`;
  return html`<ol class="events" aria-label="The last events">${events.slice(-LAST_EVENTS).reverse().map((event) => html`<li key=${event.number}>
    <time class="number">${clock(event.time)}</time> <b aria-hidden="true">${signOf(event.type)}</b> ${told(event)}</li>`)}</ol>`;
}
