"""Our detectors beside each other: how soon each sees the changes, alone and together, and how often each is false."""

import itertools
from collections.abc import Mapping

import numpy as np

from benchmarks.drifting import delays, mixtures, ours
from benchmarks.drifting.delays import HORIZON, KINDS, RUN_LENGTH, USUAL

SETS: Mapping[str, tuple[str, ...]] = {
    "ewma": ("ewma",),
    "cusum": ("cusum",),
    "windows": ("windows",),
    "ewma and cusum": ("ewma", "cusum"),
    "all three": ("ewma", "cusum", "windows"),
}
CASES = tuple(itertools.product(mixtures.CHANGES, KINDS))
_QUIET, _SOONEST = 60_000, 20.0  # vectors without a change; a delay that counts as none, in vectors


def measure(features: int, seed: int) -> dict[str, tuple[int, list[float]]]:
    """By set of detectors the number of false alarms in `quiet` vectors, and the delay of each case, on one model."""
    rng = np.random.default_rng([seed, features, 3])
    of = mixtures.mixture(features, features)
    model = ours.learnt(mixtures.draw(of, ours.SETTLE, rng), mixtures.COMPONENTS)
    reference, window = mixtures.draw(of, RUN_LENGTH // 10, rng), ours.window_for(RUN_LENGTH)
    quiet = mixtures.draw(of, _QUIET, rng)
    streams = [delays.stream(of, change, kind, [seed, features, 4]) for change, kind in CASES]
    found = {}
    for name, chosen in SETS.items():
        watched = ours.calibrated(model, reference, RUN_LENGTH, window=window, seed=seed, detectors=chosen)
        false = sum(1 for _ in ours.alarms(watched, iter([quiet])))
        found[name] = false, [float(delays.first(watched, stream) - USUAL) for stream in streams]
    return found


def run_length(false: int, models: int) -> float:
    """Vectors to a false alarm."""
    return _QUIET * models / max(false, 0.5)


def typical(found: list[list[float]]) -> float:
    """The geometric mean over the cases of the mean delay of each, over models (m, c)."""
    return float(np.exp(np.log(np.clip(np.mean(found, axis=0), _SOONEST, HORIZON)).mean()))
