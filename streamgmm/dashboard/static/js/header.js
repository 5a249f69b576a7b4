// What this is, how it does, and how it is looked at.
import { html } from "./html.js";
import { themeOf } from "./theme.js";
import { statusOf } from "./status.js";

export function Header({ state, frame, choose }) {
  const status = statusOf(state);
  const dark = themeOf(state.view) === "dark";
  return html`<header class="top">
    <img src="/static/icon.svg" alt="" width="30" height="30" />
    <h1>streamgmm${frame && html` <span class="model">${frame.model.name}</span>`}</h1>
    <p class="status ${status.tone}" role="status"><span class="dot" aria-hidden="true"></span>${status.word}</p>
    <nav>
      <a href="/api/docs">API</a> <a href="/metrics">metrics</a>
      <button class="plain" aria-pressed=${dark} onClick=${() => choose({ theme: dark ? "light" : "dark" })}>
        ${dark ? "Light" : "Dark"}</button>
    </nav>
  </header>`;
}
