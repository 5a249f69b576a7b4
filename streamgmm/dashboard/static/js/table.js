// The table behind a canvas: the same as the picture, for who cannot see it.
import { useState } from "preact/hooks";
import { html } from "./html.js";

/** `head` is a list of words, `rows` makes the lists of words below it; it is called only while the table is open. */
export function TableBehind({ caption, head, rows }) {
  const [open, setOpen] = useState(false);
  return html`<details class="behind" onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary>${caption} as a table</summary>
    ${open && html`<div class="scroll" tabindex="0" role="region" aria-label=${`${caption} as a table`}>
      <table><caption class="hidden-visually">${caption}</caption>
        <thead><tr>${head.map((word) => html`<th scope="col">${word}</th>`)}</tr></thead>
        <tbody>${rows().map(([first, ...rest]) => html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
      </table></div>`}
  </details>`;
}
