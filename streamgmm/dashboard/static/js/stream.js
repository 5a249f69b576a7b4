// The stream: how fast, how far behind, how late, what was set aside, how the program does.
import { html } from "./html.js";
import { Panel } from "./panel.js";
import { Sparkline } from "./sparkline.js";
import { behind } from "./status.js";
import { bytes, clock, seconds, whole } from "./format.js";

const TREND = 240; // frames
const MOST_PARTITIONS = 12;

const ABOUT = "How the records flow through, and what could not be learnt.";

export function Stream({ frame, rows }) {
  const { flow, model: { totals, lag } } = frame;
  const trend = rows.slice(-TREND);
  const rejected = Object.entries(totals.rejected);
  const shown = frame.dead_letters.some(({ payload }) => payload !== null);
  const set = rejected.reduce((sum, [, count]) => sum + count, 0);
  return html`<${Panel} name="stream" title="Stream" about=${ABOUT}>
    <dl class="tiles">
      <${Tile} name="rate" value="${whole(flow.rate)}/s" hint="records"><${Sparkline} values=${trend.map(({ rate }) => rate)} floor=${0} /></${Tile}>
      <${Tile} name="behind" value=${whole(behind(frame))} hint="records not yet learnt"><${Sparkline} values=${trend.map((row) => row.lag)} floor=${0} /></${Tile}>
      <${Tile} name="latency" value=${seconds(flow.latency_mean)} hint="from timestamp to commit"><${Sparkline} values=${trend.map(({ latency }) => latency)} floor=${0} /></${Tile}>
      <${Tile} name="assigned" value=${whole(totals.published)} hint="of ${whole(totals.records)} read" />
      <${Tile} name="checkpoint" value=${flow.checkpoint_time === null ? "–" : `${seconds(Math.max(0, frame.time - flow.checkpoint_time))} old`} hint="${bytes(flow.checkpoint_bytes)}, ${whole(flow.commits)} commits" />
      <${Tile} name="memory" value=${bytes(flow.memory_bytes)} hint="resident" />
    </dl>
    <${Lag} lag=${lag} />
    <h3>Dead letters <small>${set ? `${whole(set)}, set aside with the reason` : "none"}</small></h3>
    ${set > 0 && html`<ul class="reasons">${rejected.map(([reason, count]) => html`<li>${reason.replaceAll("_", " ")} <b class="number">${whole(count)}</b></li>`)}</ul>`}
    ${frame.dead_letters.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="The last dead letters"><table class="letters"><caption class="hidden-visually">The last dead letters</caption><thead><tr><th scope="col">time</th><th scope="col">reason</th><th scope="col">position</th>${shown && html`<th scope="col">value</th>`}</tr></thead>
      <tbody>${[...frame.dead_letters].reverse().slice(0, 4).map(({ time, reason, partition, offset, payload }) => html`<tr><td class="number">${clock(time)}</td><td>${reason.replaceAll("_", " ")}</td><td class="number">${partition}/${compactOffset(offset)}</td>${shown && html`<td class="payload">${payload}</td>`}</tr>`)}</tbody></table></div>`}
  </${Panel}>`;
}

const compactOffset = (offset) => offset.toLocaleString("en");

function Tile({ name, value, hint, children }) {
  return html`<div class="tile"><dt>${name}</dt><dd><b class="number">${value}</b><small>${hint}</small>${children}</dd></div>`;
}

function Lag({ lag }) {
  const partitions = Object.entries(lag);
  if (partitions.length < 2) return null;
  const most = Math.max(...partitions.map(([, count]) => count), 1);
  const furthest = partitions.sort(([, a], [, b]) => b - a).slice(0, MOST_PARTITIONS);
  return html`<h3>Behind, by partition${partitions.length > MOST_PARTITIONS && html` <small>the furthest behind</small>`}</h3><ul class="lags">${furthest.map(([partition, count]) => html`<li><span>${partition}</span>
    <span class="bar" aria-hidden="true"><i style=${{ width: `${(100 * count) / most}%` }}></i></span><b class="number">${whole(count)}</b></li>`)}</ul>
    ${partitions.length > MOST_PARTITIONS && html`<p class="about">${partitions.length - MOST_PARTITIONS} more partitions: <a href="/api/v1/stream">/api/v1/stream</a></p>`}`;
}
