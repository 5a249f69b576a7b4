"""Limits from simulation: how large the detectors' values grow on a stream that does not change.

A stream is drawn from the reference's own scores, in runs of consecutive vectors, so that their law and their serial
correlation stay as they are (moving blocks, Künsch 1989). Each replicate first draws a reference of the same size and
takes what is usual from that: so the error of the reference is part of what is simulated. Then it goes on window by
window until its horizon. The limits are those at which the first value crosses its own after the run length asked
for, on the mean over replicates; the limit of each family on each scale is as unlikely as any other.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.drift.bank import Bank, Found, advance, memory, nothing, scales
from streamgmm.drift.scores import Layout, Places
from streamgmm.drift.usual import BATCH, Moments, Usual, usual
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import compiled

RUN = 10  # consecutive vectors that are drawn together, at most
STEPS = 150_000  # windows simulated
_FEWEST = 48  # replicates
_LEAST = 3.0  # a limit, in standard deviations: what never varied in the reference is no reason to alarm


class Sample(NamedTuple):
    """The reference's scores as they are drawn from."""

    scores: Array  # (n, p) of single vectors, in order
    total: int  # vectors in the reference, of which these are the first
    learnt: float  # effective number of vectors that the model was learnt from
    expected: Array  # (p,) centre under the model; NaN where it says none


class Limits(NamedTuple):
    """What calibration finds."""

    alarm: Array  # (s, f)
    warning: Array  # (s, f) ten times as often
    simulated: float  # vectors to a false alarm in the simulation, at `alarm`


def moments_of(sample: Sample, mean: Array, layout: Layout) -> Moments:
    """Moments of a reference from the sample, and its mean (p,) over all of it."""
    first, scores = layout.edges[:-1], sample.scores
    away = scores - scores.mean(axis=0)
    batches = len(scores) // BATCH
    means = away[: batches * BATCH].reshape(batches, BATCH, -1).mean(axis=1)
    return Moments(
        sample.total,
        sample.learnt,
        mean,
        len(scores),
        np.add.reduceat((away**2).mean(axis=0), first),
        np.add.reduceat((means**2).sum(axis=0), first) * BATCH / max(batches - 1, 1),
    )


def limits(sample: Sample, bank: Bank, window: int, run_length: float, seed: int, steps: int = STEPS) -> Limits:
    """Limits for `run_length` vectors between false alarms, from about so many simulated windows."""
    values = _simulated(sample, bank, window, run_length, seed, steps)
    shape = values.shape[2:]
    values = values.reshape(*values.shape[:2], -1)
    levels = _levels(values)
    target = run_length / window
    at, warn = _level(levels, target), _level(levels, target / 10)
    alarm, warning = (_at(values, level).reshape(shape) for level in (at, warn))
    return Limits(np.maximum(alarm, _LEAST), np.maximum(warning, 0.75 * _LEAST), _mean_run_length(levels, at) * window)


class _Drawing(NamedTuple):
    """Scores about their mean (n, p), and their running sums (n + 1, p): a run's sum is a difference of two."""

    scores: Array
    prefix: Array


class _Sums(NamedTuple):
    """What is summed over the runs of a drawn reference: (p,) each."""

    mean: Array
    squares: Array
    means: Array


def _simulated(sample: Sample, bank: Bank, window: int, run_length: float, seed: int, steps: int) -> Array:
    """Values of the detectors, (replicates, windows, s, f)."""
    horizon = int(np.clip(3 * run_length / window, 400, 4000))
    replicates = max(min(_FEWEST, steps), steps // horizon)
    generator, layout = np.random.default_rng(seed), bank.layout
    mean = sample.scores.mean(axis=0)
    here = usual(moments_of(sample, mean, layout), layout, sample.expected)
    doubt = here.deviation * np.sqrt(here.error)[np.repeat(layout.family, np.diff(layout.edges))]
    drawing = _drawing(sample.scores - mean)
    run = next(length for length in range(min(RUN, window), 0, -1) if window % length == 0)
    found = nothing(bank, replicates, horizon)
    for r in range(replicates):
        truth = here.centre + doubt * generator.standard_normal(len(doubt))
        drawn = _drawn_reference(drawing, truth, sample, layout, generator)
        starts = generator.integers(0, len(drawing.scores) - run + 1, size=(horizon, window // run))
        sums = np.empty((horizon, layout.size))
        _draw_windows(drawing, starts, run, sums)
        standardised = (sums - window * (drawn.centre - truth)) / (np.sqrt(window) * drawn.deviation)
        here_found = Found(found.values[r], found.groups[r])
        advance(layout, scales(bank, window, drawn.error), memory(bank), standardised, here_found)
    return found.values


def _drawing(scores: Array) -> _Drawing:
    prefix = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores, axis=0)])
    return _Drawing(frozen(scores), frozen(prefix))


def _drawn_reference(
    drawing: _Drawing, truth: Array, sample: Sample, layout: Layout, generator: np.random.Generator
) -> Usual:
    """What would be usual of another reference of the same size."""
    count, run = len(drawing.scores), min(BATCH, len(drawing.scores))
    starts = generator.integers(0, count - run + 1, size=max(sample.total // run, 2))
    batches = min(len(starts), max(count // run, 2))
    sums = _Sums(*(np.zeros(layout.size) for _ in _Sums._fields))
    _draw_reference(drawing, starts, run, batches, sums)
    first = layout.edges[:-1]
    drawn = Moments(
        sample.total,
        sample.learnt,
        sums.mean + truth,
        batches * run,
        np.add.reduceat(sums.squares, first),
        np.add.reduceat(sums.means, first) * BATCH / max(batches - 1, 1),
    )
    return usual(drawn, layout, sample.expected)


@compiled
def _draw_reference(drawing: _Drawing, starts: Places, run: int, batches: int, sums: _Sums) -> None:
    """Mean over all runs; of the first `batches` the variance of vectors, and the summed squares of run means."""
    scores, prefix, mean = drawing.scores, drawing.prefix, sums.mean
    first = np.zeros(len(mean))
    for b in range(len(starts)):
        start = starts[b]
        for i in range(len(mean)):
            mean[i] += prefix[start + run, i] - prefix[start, i]
        if b < batches:
            for n in range(start, start + run):
                for i in range(len(mean)):
                    sums.squares[i] += scores[n, i] * scores[n, i]
            for i in range(len(mean)):
                first[i] = mean[i]
    for i in range(len(mean)):
        mean[i] /= len(starts) * run
        first[i] /= batches * run
        sums.squares[i] = sums.squares[i] / (batches * run) - first[i] * first[i]
    for b in range(batches):
        start = starts[b]
        for i in range(len(mean)):
            away = (prefix[start + run, i] - prefix[start, i]) / run - first[i]
            sums.means[i] += away * away


@compiled
def _draw_windows(drawing: _Drawing, starts: Places, run: int, sums: Array) -> None:
    """Sums (m, p) of windows that are put together from runs (m, r)."""
    prefix = drawing.prefix
    for w in range(len(starts)):
        for i in range(sums.shape[1]):
            sums[w, i] = 0.0
        for start in starts[w]:
            for i in range(sums.shape[1]):
                sums[w, i] += prefix[start + run, i] - prefix[start, i]


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
    """Windows until a level of `at` is crossed, mean over replicates; those that do not go on as the late ones do."""
    replicates, horizon = levels.shape
    crossed = levels >= at
    lengths = np.where(crossed.any(axis=1), crossed.argmax(axis=1) + 1, horizon)
    late = lengths > horizon // 3
    exposure = float((lengths[late] - horizon // 3).sum())
    survivors, events = int((~crossed.any(axis=1)).sum()), int((late & crossed.any(axis=1)).sum())
    return float((lengths.sum() + survivors * exposure / max(events, 0.5)) / replicates)


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
