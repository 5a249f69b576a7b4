// A sign for each kind of event, small enough to stand on a curve.
const SIGNS = {
  drift_warned: "!",
  drift_eased: "○",
  drift_raised: "▲",
  drift_cleared: "▽",
  reference_frozen: "R",
  reference_calibrated: "C",
  reference_let_go: "↺",
  calibration_restarted: "↺",
  drift_switched_off: "○",
  model_reheated: "↺",
  model_reinitialised: "↺",
  model_frozen: "❄",
  model_unfrozen: "❅",
  component_born: "+",
  component_died: "†",
  component_split: "÷",
  component_merged: "∪",
  records_skipped: "✕",
};

export const signOf = (type) => SIGNS[type] ?? "•";
