// How a component is recognised: by its label first, by a shape and a colour that stay with its id for life.
const COLOURS = 8;
export const SHAPES = ["circle", "square", "triangle", "diamond", "plus", "wedge", "hexagon", "cross"];

export const labelOf = (id) => `C${id}`;
export const colourClass = (id) => `id-${id % COLOURS}`;
export const colourName = (id) => `id-${id % COLOURS}`;

/** Two ids of one colour differ in shape. */
export const shapeOf = (id) => SHAPES[(id + Math.floor(id / COLOURS)) % SHAPES.length];

/** Traces the shape about the origin, with the radius r of a circle of its size. */
export function trace(path, shape, x, y, r) {
  const polygon = (corners, turn, size) => {
    for (let i = 0; i < corners; i += 1) {
      const angle = turn + (2 * Math.PI * i) / corners;
      path[i ? "lineTo" : "moveTo"](x + size * r * Math.cos(angle), y + size * r * Math.sin(angle));
    }
    path.closePath();
  };
  const bars = (turn) => {
    const [c, s] = [Math.cos(turn) * r * 1.25, Math.sin(turn) * r * 1.25];
    const w = r * 0.42;
    const [nx, ny] = [-Math.sin(turn) * w, Math.cos(turn) * w];
    for (const [dx, dy, mx, my] of [[c, s, nx, ny], [-s, c, (-c / r / 1.25) * w, (-s / r / 1.25) * w]]) {
      path.moveTo(x - dx - mx, y - dy - my);
      path.lineTo(x + dx - mx, y + dy - my);
      path.lineTo(x + dx + mx, y + dy + my);
      path.lineTo(x - dx + mx, y - dy + my);
      path.closePath();
    }
  };
  if (shape === "circle") { path.moveTo(x + r, y); path.arc(x, y, r, 0, 2 * Math.PI); path.closePath(); }
  else if (shape === "square") path.rect(x - r * 0.88, y - r * 0.88, r * 1.76, r * 1.76);
  else if (shape === "triangle") polygon(3, -Math.PI / 2, 1.3);
  else if (shape === "wedge") polygon(3, Math.PI / 2, 1.3);
  else if (shape === "diamond") polygon(4, 0, 1.25);
  else if (shape === "hexagon") polygon(6, 0, 1.05);
  else if (shape === "plus") bars(0);
  else bars(Math.PI / 4);
}
