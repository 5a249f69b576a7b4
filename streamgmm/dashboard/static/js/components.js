// The components' cards: who they are, how large, how they have moved.
import { html } from "./html.js";
import { Panel } from "./panel.js";
import { Mark } from "./mark.js";
import { Sparkline } from "./sparkline.js";
import { compact, percent, signed, spreads, titled, whole } from "./format.js";
import { colourClass, labelOf } from "./identity.js";

const MOST_CARDS = 30;
const MOST_FEATURES = 3; // on a card; the matrix has the others
const TREND = 120; // frames

const FIRST = { weight: ", largest first", change: ", first those that changed most", id: "" };
const ABOUT = "A component keeps its name, colour and shape for life.";
const SORTS = [["weight", "by weight"], ["change", "by change"], ["id", "by name"]];

export function Components({ state, frame, rows, choose }) {
  const cards = sorted(frame.components, state.view.sort);
  const choice = html`<label class="choice">sorted <select value=${state.view.sort}
    onChange=${(event) => choose({ sort: event.currentTarget.value })}>${SORTS.map(([key, word]) => html`<option value=${key}>${word}</option>`)}</select></label>`;
  const apart = spreads(frame);
  const trends = rows.slice(-TREND);
  const largest = Math.max(...cards.map(({ weight }) => weight), 1e-9);
  return html`<${Panel} name="components" title="Components" about=${`The groups that the model has found${FIRST[state.view.sort]}. ${ABOUT}`} controls=${choice}>
    ${cards.length ? html`<ul class="cards">${cards.slice(0, MOST_CARDS).map((card) => html`<${Card} key=${card.id} card=${card} frame=${frame} apart=${apart} largest=${largest}
        trend=${trends.map(({ weights }) => weights[card.id] ?? null)} chosen=${state.view.focus === card.id} choose=${choose} />`)}</ul>` : html`<p class="empty">No components yet.</p>`}
    ${cards.length > MOST_CARDS && html`<p class="about">${cards.length - MOST_CARDS} more: <a href="/api/v1/components">/api/v1/components</a></p>`}
  </${Panel}>`;
}

const moved = ({ weight, reference_weight: before, deviation }) => Math.abs(weight - (before ?? weight)) * 10 + Math.max(0, ...deviation.map((value) => Math.abs(value ?? 0)));

function sorted(cards, by) {
  const orders = { weight: (a, b) => b.weight - a.weight, change: (a, b) => moved(b) - moved(a), id: (a, b) => a.id - b.id };
  return [...cards].sort((a, b) => orders[by](a, b) || a.id - b.id);
}

const SIDES = { merged: "with", split: "from", born: "from" };

/** "split from C2": what befell it, and with whom. */
const marked = ({ mark, other }) => (other === null || !SIDES[mark] ? mark : `${mark} ${SIDES[mark]} ${labelOf(other)}`);

function Card({ card, frame, apart, largest, trend, chosen, choose }) {
  const { id, weight, reference_weight: before, mark } = card;
  const change = before === null ? null : 100 * (weight - before);
  const aged = card.age === null ? "" : ` of the last ${whole(card.age)}`;
  return html`<li><button class="card ${colourClass(id)}" aria-pressed=${chosen} onClick=${() => choose({ focus: chosen ? null : id })}>
    <span class="who"><${Mark} id=${id} /></span>
    <span class="share"><b class="number">${percent(weight)}</b>
      ${change !== null && html`<small class="number ${Math.abs(change) >= 2 ? "moved" : ""}">${signed(change, 0)} points</small>`}</span>
    <span class="bar" aria-hidden="true"><i style=${{ width: `${(100 * weight) / largest}%` }}></i>${before !== null && html`<u style=${{ left: `${Math.min(100, (100 * before) / largest)}%` }}></u>`}</span>
    <${Sparkline} values=${trend} />
    <span class="means">${frame.shown.slice(0, MOST_FEATURES).map((feature, i) => html`<span class="name">${titled(frame.model.features[feature])}</span>
      <b class="number">${compact(card.mean[i], apart[i])}</b><small class="number ${Math.abs(card.deviation[i]) >= 0.5 ? "moved" : ""}">${card.deviation[i] === null ? "" : `${signed(card.deviation[i])} sd`}</small>`)}</span>
    <span class="small">${mark && html`<em class="badge">${marked(card)}</em>`}remembers ${whole(card.effective)} vectors${aged}</span>
  </button></li>`;
}
