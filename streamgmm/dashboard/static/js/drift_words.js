// The drift alarm's states for people.
const STATES = {
  off: ["Not watched.", "calm"],
  settling: ["Settling.", "calm"],
  calibrating: ["Calibrating.", "calm"],
  none: ["No drift.", "good"],
  warning: ["Warning.", "watch"],
  alarm: ["Drift!", "bad"],
};

export const driftWord = (state) => (STATES[state] ?? [state])[0];
export const driftTone = (state) => (STATES[state] ?? [state, "calm"])[1];
