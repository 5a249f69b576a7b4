// The state of the service and of the connection to it, in words: `{word, tone, text, progress}`.
import { percent, seconds, whole } from "./format.js";

const QUIET = 15; // seconds without a record after which the stream is called quiet

const LINKS = {
  connecting: { word: "connecting", tone: "watch", text: "Waiting for the service to answer." },
  lost: { word: "no connection", tone: "bad", text: "The service does not answer: this is the last that it showed. The page tries again by itself." },
  full: { word: "no room", tone: "bad", text: "As many pages are open as the service serves. This one tries again by itself." },
  refused: { word: "not logged in", tone: "bad", text: "The service asks for its token: load the page again to log in." },
  hidden: { word: "asleep", tone: "calm", text: "The page sleeps while it is hidden." },
};

const PHASES = {
  starting: { word: "starting", tone: "watch" },
  restoring: { word: "restoring", tone: "watch" },
  warming_up: { word: "warming up", tone: "calm" },
  disconnected: { word: "no broker", tone: "bad" },
  draining: { word: "stopping", tone: "watch" },
};

const TEXTS = {
  starting: "The service starts: {detail}.",
  restoring: "The service takes the model over from its last checkpoint: {detail}.",
  disconnected: "The service has lost its broker and goes on from the checkpoint as soon as it is back: {detail}.",
  draining: "The service ends: {detail}.",
};

const FROZEN = "The model is frozen (learning.frozen): vectors are assigned and held against the reference, and nothing is learnt.";

/** What is shown is the last that was seen, and not how things are. */
export const stale = ({ link, frame }) => link !== "live" || ["starting", "restoring", "disconnected"].includes(frame.model.phase);

export function statusOf({ link, frame }) {
  if (link !== "live" && LINKS[link]) return LINKS[link];
  const { phase, detail, warm_up: [have, need] } = frame.model;
  if (phase === "warming_up") return warmingUp(have, need);
  if (PHASES[phase]) return { ...PHASES[phase], text: TEXTS[phase].replace("{detail}", detail) };
  const { last_timestamp: newest, frozen } = frame.model;
  const idle = newest === null ? 0 : frame.time - newest / 1000;
  const quiet = !frame.flow.rate && idle > QUIET ? `No record has arrived for ${seconds(idle)}. The service waits for more.` : null;
  if (frozen) return { word: "frozen", tone: "calm", text: [FROZEN, quiet].filter(Boolean).join(" ") };
  return quiet ? { word: "quiet", tone: "calm", text: quiet } : { word: "running", tone: "good", text: null };
}

function warmingUp(have, need) {
  const text = have
    ? `Gathering the first vectors: ${whole(have)} of ${whole(need)} (${percent(have / need)}). Then the model starts and the clusters appear.`
    : "Nothing has arrived yet: the clusters appear once records stream into the input topic.";
  return { word: have ? "warming up" : "waiting", tone: "calm", text, progress: need ? have / need : 0 };
}
