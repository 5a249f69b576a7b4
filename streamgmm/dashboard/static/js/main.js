// Starts the page: the view from the address, the stream of frames, and the drawing of both.
import { html, render } from "./html.js";
import { createStore } from "./store.js";
import { readAddress, keepInAddress } from "./address.js";
import { connect } from "./connection.js";
import { applyTheme } from "./theme.js";
import { listenToKeys } from "./keys.js";
import { createRewind } from "./rewind.js";
import { App } from "./app.js";

const store = createStore(readAddress(location.search));
const rewind = createRewind(store);
keepInAddress(store);
applyTheme(store);
listenToKeys(store, rewind);
connect(store);
const root = document.getElementById("app");
root.replaceChildren();
render(html`<${App} store=${store} rewind=${rewind} />`, root);

// For tests and for the curious: what is on the canvas, and what it was drawn from.
window.streamgmm = { get state() { return store.get(); }, drawList: null };
