// Pause and rewind: a slider over the moments that the service keeps.
import { html } from "./html.js";
import { clock, seconds } from "./format.js";
import { kept } from "./history.js";
import { nearest } from "./rewind.js";
import { KEYS } from "./keys.js";

export function Timeline({ state, frame, rewind }) {
  const rows = kept(state);
  const paused = state.view.at !== null;
  const here = paused ? rows.indexOf(nearest(rows, state.view.at)) : rows.length - 1;
  const words = paused ? `${clock(frame.time)}, ${seconds(state.frame.time - frame.time)} ago` : `now, ${clock(frame.time)}`;
  const move = (event) => { const row = rows[Number(event.currentTarget.value)]; if (row) rewind.to(row.time); };
  return html`<footer class="timeline" aria-label="Time">
    <button class="round" aria-pressed=${paused} onClick=${() => rewind.toggle()}><span aria-hidden="true">${paused ? "▶" : "❚❚"}</span> ${paused ? "Go on" : "Pause"}</button>
    <label class="hidden-visually" for="moment">Moment shown</label>
    <input id="moment" type="range" min="0" max=${Math.max(rows.length - 1, 0)} step="1" value=${here} aria-valuetext=${words} onInput=${move} />
    <span class="now number">${words}</span>
    <button class="plain" disabled=${!paused} onClick=${() => rewind.live()}>Now</button>
    <p class="keys">${KEYS.map(([key, does]) => html`<span><kbd>${key}</kbd> ${does}</span>`)}</p>
  </footer>`;
}
