// The state of the service and of the connection to it, in words: `{word, tone, text, progress}`.
import { percent, seconds, whole } from "./format.js";

const QUIET = 15; // seconds without a record after which the stream is called quiet
const HANGS = 120; // seconds after which it is no long round that lets records wait

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
  unreached: "The service has not reached its broker yet and begins as soon as it answers: {detail}.",
  draining: "The service ends: {detail}.",
};

const FROZEN = "The model is frozen (learning.frozen): vectors are assigned and held against the reference, and nothing is learnt.";

/** What is shown is the last that was seen, and not how things are. */
export const stale = ({ link, frame }) => link !== "live" || ["starting", "restoring", "disconnected"].includes(frame.model.phase);

/** Records that are not yet learnt; null before that is known. */
export const behind = ({ model: { lag } }) => (Object.keys(lag).length ? Object.values(lag).reduce((sum, count) => sum + count, 0) : null);

export function statusOf({ link, frame }) {
  if (link !== "live" && LINKS[link]) return LINKS[link];
  const { phase, detail, frozen, warm_up: [have, need] } = frame.model;
  if (PHASES[phase] && phase !== "warming_up") return { ...PHASES[phase], text: textOf(frame).replace("{detail}", () => detail) };
  const idle = idleFor(frame), waiting = behind(frame);
  if (waiting && idle > QUIET) return standing(waiting, idle);
  if (phase === "warming_up") return warmingUp(have, need, waiting);
  const quiet = idle > QUIET ? `${noRecord(frame, idle)} The service waits for more.` : null;
  if (frozen) return { word: "frozen", tone: "calm", text: [FROZEN, quiet].filter(Boolean).join(" ") };
  return quiet ? { word: "quiet", tone: "calm", text: quiet } : { word: "running", tone: "good", text: null };
}

const textOf = ({ model: { phase, totals } }) => TEXTS[phase === "disconnected" && totals.records === 0 ? "unreached" : phase];

/** Seconds since records were last committed, or since this process had the model. */
function idleFor({ time, flow }) {
  const last = flow.last_records ?? flow.since;
  return flow.rate || last === null ? 0 : time - last;
}

const noRecord = ({ flow }, idle) => (flow.last_records === null
  ? `No record has arrived since the service started ${seconds(idle)} ago.`
  : `No record has arrived for ${seconds(idle)}.`);

/** A long round, or none that ends. */
function standing(waiting, idle) {
  const fact = `${whole(waiting)} records wait, and none has been learnt for ${seconds(idle)}`;
  return idle < HANGS
    ? { word: "busy", tone: "watch", text: `${fact}: a first model or a large round takes its time.` }
    : { word: "standing still", tone: "bad", text: `${fact}: the learner hangs, or its broker holds it up. The runbook says what to do, under StreamgmmStandsStill.` };
}

function warmingUp(have, need, waiting) {
  if (!have && waiting) return { ...PHASES.warming_up, text: `${whole(waiting)} records wait, and the first of them are being read. Then the model starts and the clusters appear.`, progress: 0 };
  const text = have
    ? `Gathering the first vectors: ${whole(have)} of ${whole(need)} (${percent(have / need)}). Then the model starts and the clusters appear.`
    : "Nothing has arrived yet: the clusters appear once records stream into the input topic.";
  return { word: have ? "warming up" : "waiting", tone: "calm", text, progress: need ? have / need : 0 };
}
