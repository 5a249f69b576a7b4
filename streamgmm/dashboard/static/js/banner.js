// The sentence at the top: what is going on, before any picture.
import { html } from "./html.js";
import { clock } from "./format.js";
import { stale, statusOf } from "./status.js";
import { driftTone, driftWord } from "./drift_words.js";

export function Banner({ state, frame, rewind }) {
  const status = statusOf(state);
  return html`
    ${state.notice && html`<p class="banner watch" role="alert">${state.notice}
      <button class="plain" onClick=${() => rewind.live()}>Close</button></p>`}
    ${state.past && html`<p class="banner watch">You are looking at ${clock(state.past.time)}.
      <button class="plain" onClick=${() => rewind.live()}>Back to now</button></p>`}
    ${status.text && html`<div class="banner ${status.tone}"><p>${status.text}</p>
      ${status.progress !== undefined && html`<progress max="1" value=${status.progress} aria-label="vectors gathered"></progress>`}</div>`}
    ${frame && frame.view && !stale(state) && status.tone !== "bad" && html`<p class="sentence ${driftTone(frame.drift.state)}">
      <strong aria-live="polite">${driftWord(frame.drift.state)}</strong> ${frame.drift.sentence} <${Rose} drift=${frame.drift} /></p>`}`;
}

/** What the alarm said as it rose: what is seen now may be another thing, or less of it. */
function Rose({ drift: { rose, sentence } }) {
  if (!rose?.sentence || sentence.toLowerCase().includes(rose.sentence.toLowerCase())) return null;
  return html`<span class="rose">The alarm rose at ${clock(rose.time)}: ${rose.sentence}.</span>`;
}
