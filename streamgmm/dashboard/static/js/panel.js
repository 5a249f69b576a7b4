// A panel with its title, what it shows in a sentence, and its controls.
import { html } from "./html.js";

export function Panel({ name, title, about, controls, children }) {
  const id = `title-${name}`;
  return html`<section class="panel ${name}" aria-labelledby=${id}>
    <header><div><h2 id=${id}>${title}</h2><p class="about">${about}</p></div>${controls}</header>
    ${children}
  </section>`;
}
