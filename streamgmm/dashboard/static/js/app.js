// The page: what is shown of which moment, panel by panel.
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";
import { Header } from "./header.js";
import { Banner } from "./banner.js";
import { Clusters } from "./clusters.js";
import { Components } from "./components.js";
import { Drift } from "./drift.js";
import { Stream } from "./stream.js";
import { Matrix } from "./matrix.js";
import { Timeline } from "./timeline.js";
import { stale } from "./status.js";

export function App({ store, rewind }) {
  const [state, setState] = useState(store.get());
  useEffect(() => store.listen(oncePerPicture(setState)), [store]);
  const frame = state.past ?? state.frame;
  const points = state.past ? state.past.points : state.history.points;
  const rows = state.past ? state.history.rows.filter(({ time }) => time <= state.past.time) : state.history.rows;
  const shared = { state, frame, rows, choose: (change) => store.choose(change) };
  return html`
    <${Header} ...${shared} />
    <main>
      <${Banner} ...${shared} rewind=${rewind} />
      ${frame && html`<div class=${stale(state) ? "grid stale" : "grid"}>
        <div class="column"><${Clusters} ...${shared} points=${points} /><${Components} ...${shared} /></div>
        <div class="column"><${Drift} ...${shared} all=${state.history.rows} /><${Stream} ...${shared} /></div>
        <${Matrix} ...${shared} />
      </div>`}
    </main>
    ${frame && html`<${Timeline} ...${shared} rewind=${rewind} />`}`;
}

/** However often the state changes, it is drawn once for each picture of the screen. */
function oncePerPicture(draw) {
  let newest = null, asked = null;
  return (state) => {
    newest = state;
    asked ??= requestAnimationFrame(() => { asked = null; draw(newest); });
  };
}
