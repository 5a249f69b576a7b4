// A component's sign: its shape in its colour, and its label.
import { html } from "./html.js";
import { colourClass, labelOf, shapeOf } from "./identity.js";

const POINTS = {
  square: "2,2 14,2 14,14 2,14",
  triangle: "8,1 15,14 1,14",
  wedge: "8,15 1,2 15,2",
  diamond: "8,0.5 15.5,8 8,15.5 0.5,8",
  hexagon: "15,8 11.5,14 4.5,14 1,8 4.5,2 11.5,2",
  plus: "5.5,1 10.5,1 10.5,5.5 15,5.5 15,10.5 10.5,10.5 10.5,15 5.5,15 5.5,10.5 1,10.5 1,5.5 5.5,5.5",
  cross: "3,1 8,5 13,1 15,3 11,8 15,13 13,15 8,11 3,15 1,13 5,8 1,3",
};

export function Mark({ id }) {
  const shape = shapeOf(id);
  return html`<span class="mark ${colourClass(id)}"><svg viewBox="0 0 16 16" aria-hidden="true">
    ${shape === "circle" ? html`<circle cx="8" cy="8" r="7" />` : html`<polygon points=${POINTS[shape]} />`}
  </svg>${labelOf(id)}</span>`;
}
