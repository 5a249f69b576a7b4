// Labels of components that lie close together are moved apart, the heaviest stays where it is.
const [WIDTH, HEIGHT] = [92, 22]; // px, of a label
const STEPS = [0, 1, -1, 2, -2, 3, -3]; // heights that one may be moved by

/** `labels` from the lightest to the heaviest, with x and y; the same in the same order, without overlap if possible. */
export function apart(labels) {
  const placed = [];
  for (const label of [...labels].reverse()) {
    const places = STEPS.map((step) => ({ ...label, y: label.y + step * HEIGHT }));
    placed.push(places.find((place) => !placed.some((other) => overlap(place, other))) ?? label);
  }
  return placed.reverse();
}

const overlap = (a, b) => Math.abs(a.x - b.x) < WIDTH && Math.abs(a.y - b.y) < HEIGHT;
