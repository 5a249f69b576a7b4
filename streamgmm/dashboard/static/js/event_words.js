// An event in a line: what happened, and to whom.
import { whole, words } from "./format.js";
import { labelOf } from "./identity.js";

const SAID = {
  component: labelOf,
  parent: (id) => `from ${labelOf(id)}`,
  into: (id) => `into ${labelOf(id)}`,
  replaced: (id) => `in the place of ${labelOf(id)}`,
  vectors: (count) => `${whole(count)} vectors`,
  count: whole,
  reason: words,
  held: (held) => (held ? "" : "too few for drift.expected_run_length: alarms may come more often"),
  sentence: (sentence) => sentence,
};

/** "component born: C5, from C0, in the place of C3" */
export function told({ type, fields }) {
  const known = Object.keys(SAID).filter((name) => fields[name] !== undefined && fields[name] !== null);
  return [words(type), known.map((name) => SAID[name](fields[name])).filter(Boolean).join(", ")].filter(Boolean).join(": ");
}
