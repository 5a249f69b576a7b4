// The scatter: recent vectors and the components' ellipses, along two axes that are chosen here.
import { html } from "./html.js";
import { Panel } from "./panel.js";
import { TableBehind } from "./table.js";
import { AxisChoice } from "./axis_choice.js";
import { Scatter } from "./scatter.js";
import { Steps } from "./steps.js";
import { compact, percent, spread, whole } from "./format.js";
import { labelOf } from "./identity.js";
import { transformOf } from "./scales.js";

const about = (ring) => `Each mark is a recent vector. Each ${ring} is a component: the inner one holds 68 % of it, the outer one 95 %; dashed is the reference.`;

export function Clusters({ state, frame, points, choose }) {
  const { view, ellipses, model: { features } } = frame;
  const choice = view && html`<${AxisChoice} view=${view} features=${features} choose=${choose} />`;
  const apart = view && [0, 1].map((axis) => spread(ellipses.map(({ centre }) => own(axis ? view.y : view.x, centre[axis], features))));
  const value = (axis, at) => compact(own(axis, at, features), apart[axis === view.y ? 1 : 0]);
  return html`<${Panel} name="clusters" title="Clusters" about=${`${about(view && !view.y ? "band" : "ring")} ${view ? leftOut(points) : ""}`} controls=${choice}>
    ${view
      ? html`<${Scatter} scene=${{ view, ellipses, reference: frame.reference, points }} features=${features}
          shown=${frame} focus=${state.view.focus} choose=${choose} />
        <${TableBehind} caption="The components' places" head=${["component", "weight", ...axisNames(view, features)]}
          rows=${() => ellipses.map(({ id, weight, centre }) => [labelOf(id), percent(weight), value(view.x, centre[0]), ...(view.y ? [value(view.y, centre[1])] : [])])} />
        <${TableBehind} caption="The newest vectors" head=${["vector", "component", "certainty", ...axisNames(view, features)]} rows=${() => newest(points, view, value)} />`
      : html`<${Steps} at=${frame.model.warm_up[0] > 0 && frame.model.phase === "warming_up" ? 1 : 0} />`}
  </${Panel}>`;
}

/** A place along an axis in the feature's own unit; null where it is not known. */
function own(axis, at, features) {
  if (at === null || at === undefined || !axis) return null;
  return axis.feature === null ? at : transformOf(features[axis.feature].transform).undo(at);
}

/** A vector with a gap along these axes has no place in the picture. */
function leftOut({ x, y }) {
  const count = x.reduce((sum, at, i) => sum + Number(at === null || y[i] === null), 0);
  return count ? `${whole(count)} of the last ${whole(x.length)} vectors lack a value along these axes and are not drawn.` : "";
}

const TABLE_ROWS = 30;

function newest(points, view, value) {
  const last = points.x.length - 1;
  return points.x.slice(-TABLE_ROWS).map((_, i) => last - i).map((i) => [whole(points.first + i), labelOf(points.component[i]), percent(points.certainty[i]),
    value(view.x, points.x[i]), ...(view.y ? [value(view.y, points.y[i])] : [])]);
}

const axisNames = (view, features) => [view.x, view.y].filter(Boolean).map((axis) => (axis.feature === null ? axis.key : features[axis.feature].name));
