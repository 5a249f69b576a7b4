"""Limits from simulation: how large the detectors' values grow on a stream that does not change.

The limits are those at which alarms come as often as asked for: all simulated windows up to each stream's first alarm,
over all alarms. So a reference that happens to alarm often counts as often as it alarms. The limit of each detector is
as unlikely as any other. What a detector is does not matter here: `simulation` gives their values, in an array whose
last axes number the detectors.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.drift.bank import Bank
from streamgmm.drift.simulation import Sample, Size, simulated
from streamgmm.mixture.arrays import Array

STEPS = 150_000  # windows simulated, of models of usual size
_NUMBERS = 100_000_000  # scores in them, at most: a learner waits for it, a tenth of a microsecond and more for each
_FEWEST = 48  # replicates
_SHORTEST, _LONGEST = 400, 4000  # windows of a replicate
_LEAST = 3.0  # a limit, in standard deviations: what never varied in the reference is no reason to alarm


class Limits(NamedTuple):
    """What calibration finds."""

    alarm: Array  # (s, f)
    warning: Array  # (s, f) ten times as often
    simulated: float  # vectors (of `chosen`: windows) to a false alarm in the simulation, at `alarm`


def limits(sample: Sample, bank: Bank, window: int, run_length: float, seed: int, steps: int = STEPS) -> Limits:
    """Limits for `run_length` vectors between false alarms, from about so many simulated windows; from fewer, and a
    longer reach beyond what was seen, where the model has many components and features.
    """
    steps = min(steps, max(_NUMBERS // bank.layout.size, _FEWEST * _SHORTEST))
    horizon = int(np.clip(3 * run_length / window, _SHORTEST, max(_SHORTEST, min(_LONGEST, steps // _FEWEST))))
    replicates = max(min(_FEWEST, steps), steps // horizon)
    values = simulated(sample, bank, Size(replicates, horizon, window), seed)
    found = chosen(values, run_length / window)
    return found._replace(simulated=found.simulated * window)


def chosen(values: Array, target: float) -> Limits:
    """Limits for `target` windows between alarms of simulated values (r, n, s, f); none falls as the target grows."""
    shape = values.shape[2:]
    values = values.reshape(*values.shape[:2], -1)
    levels = _levels(values)
    at, warn = _level(levels, target), _level(levels, target / 10)
    alarm, warning = (_at(values, level).reshape(shape) for level in (at, warn))
    return Limits(np.maximum(alarm, _LEAST), np.maximum(warning, 0.75 * _LEAST), _mean_run_length(levels, at))


def _levels(values: Array) -> Array:
    """(r, n) the largest, over detectors, of -log of how often a detector's value is reached; 0 where it is common."""
    flat = values.reshape(-1, values.shape[2])
    best = np.zeros(len(flat))
    for detector in flat.T:
        top = np.sort(detector)[-len(detector) // 5 :]
        rows = np.flatnonzero(detector > top[0])
        reached = len(top) - np.searchsorted(top, detector[rows])
        best[rows] = np.maximum(best[rows], np.log(len(flat)) - np.log(reached))
    return best.reshape(values.shape[:2])


def _at(values: Array, level: float) -> Array:
    """The value of each detector that is exceeded with probability exp(-level); beyond what was seen, in line."""
    flat = np.sort(values.reshape(-1, values.shape[2]), axis=0)
    n = len(flat)
    known = np.log(n / 20)
    inside = flat[n - 1 - np.clip(int(n * np.exp(-min(level, known))), 0, n - 1)]
    if level <= known:
        return np.asarray(inside)
    before = flat[n - 1 - int(n * np.exp(-(known - 2)))]
    return np.asarray(inside + (level - known) * (inside - before) / 2)


def _mean_run_length(levels: Array, at: float) -> float:
    """Windows to an alarm where a level of `at` raises it."""
    crossed = levels >= at
    lengths = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, levels.shape[1])
    return float(lengths.sum() / max(int(crossed.any(axis=1).sum()), 0.5))


def _level(levels: Array, target: float) -> float:
    """The level at which the mean run length is `target` windows: by bisection; beyond the horizon, in line."""
    known = min(target, 0.7 * levels.shape[1])
    at = _bisect(levels, known)
    if target <= known:
        return at
    before = _bisect(levels, known / 5)
    return at + float(np.log(target / known)) * (at - before) / float(np.log(5))


def _bisect(levels: Array, target: float) -> float:
    low, high = 0.0, float(levels.max()) + 1.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if _mean_run_length(levels, middle) < target else (low, middle)
    return (low + high) / 2
