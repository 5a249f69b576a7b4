"""Streams that do not change, drawn from what is known of one, and what the detectors say of them.

Each replicate draws first what is true, then a reference of the same size, and takes what is usual from that: so the
error of the reference is part of what is simulated. Then it goes on window by window until its horizon. Vectors come in
runs of consecutive ones, so that their law and their serial correlation stay as they are (moving blocks, Künsch 1989);
each run from the reference's own scores or from those under a truth near the model, by the share that `Known` says.
Short runs have many ways to make a window, and what they lack of a long sum's deviation is made up for by a factor.
Where the reference shows no correlation its vectors are first put in an order of their own: what few of them show by
chance would come again and again.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streamgmm.drift.bank import Bank
from streamgmm.drift.scores import FAMILIES, Layout, Places
from streamgmm.drift.serial import UNRELATED, together
from streamgmm.drift.usual import Known, Moments, Usual, usual
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import compiled

_RELATED, _UNRELATED = 10, 5  # consecutive vectors that are drawn together, at most; more in long windows
_FAR = 60  # vectors that memory does not reach over
_POOLS = 8  # truths that vectors are drawn from: one alone says nothing of how far they differ
_MOST_NUMBERS = 8000  # in the scores of a vector of all draws together: each takes as long as it is large


class Sample(NamedTuple):
    """Scores that streams are drawn from."""

    own: Array  # (n, p) of single vectors of the reference, in order
    model: Callable[[int], Array]  # (m, p) of vectors from what may be true by the frozen model; others for each number
    total: int  # vectors in the reference, of which the own are the first
    mean: Array  # (p,) over all of them
    known: Known


class Size(NamedTuple):
    """How much is simulated."""

    replicates: int
    horizon: int  # windows of each
    window: int  # vectors


def pools(layout: Layout) -> int:
    """How many truths are drawn from."""
    return max(1, min(_POOLS, _MOST_NUMBERS // layout.size))


def squares_of(scores: Array, layout: Layout) -> Array:
    """Mean squared distance of scores (n, p) from their mean, by group (g,)."""
    return np.asarray(np.add.reduceat(((scores - scores.mean(axis=0)) ** 2).mean(axis=0), layout.edges[:-1]))


def moments_of(sample: Sample, layout: Layout) -> Moments:
    """Of the reference itself."""
    return Moments(sample.total, sample.mean, len(sample.own), squares_of(sample.own, layout))


def simulated(sample: Sample, bank: Bank, size: Size, seed: int) -> Array:
    """Values of the detectors, (replicates, windows, s, f)."""
    generator, layout, window = np.random.default_rng(seed), bank.layout, size.window
    here = usual(moments_of(sample, layout), sample.known, layout)
    doubt = here.deviation * np.sqrt(here.error)[np.repeat(layout.family, np.diff(layout.edges))]
    related = together(sample.known.serial, layout) >= UNRELATED
    run = min(window, max(_RELATED if related else _UNRELATED, window // 10))
    values = np.empty((size.replicates, size.horizon, bank.scales, len(FAMILIES)))
    to_a_pool = -(-size.replicates // pools(layout))
    for r in range(size.replicates):
        if r % to_a_pool == 0:
            drawing = _drawing(sample, r // to_a_pool, generator, shuffled=not related)
            stretch = _stretch(drawing, run, layout) if related else np.ones(layout.size)
        truth = here.centre + doubt * generator.standard_normal(len(doubt))
        drawn = _drawn_reference(drawing, truth, sample, layout, generator)
        sums = np.empty((size.horizon, layout.size))
        _draw_windows(drawing, _starts(drawing, run, (size.horizon, -(-window // run)), generator), run, window, sums)
        standardised = (stretch * sums - window * (drawn.centre - truth)) / (np.sqrt(window) * drawn.deviation)
        values[r] = bank.update(bank.init(), standardised, window * drawn.error)[1].values
    return values


class _Drawing(NamedTuple):
    """Scores about their mean (n, p), and their running sums (n + 1, p): a run's sum is a difference of two."""

    scores: Array
    prefix: Array
    own: int  # so many come first, the model's after
    share: float  # of runs that are drawn from the own


def _drawing(sample: Sample, number: int, generator: np.random.Generator, *, shuffled: bool) -> _Drawing:
    own = generator.permutation(sample.own) if shuffled else sample.own
    scores = np.concatenate([own, sample.model(number)])
    scores[: len(own)] -= scores[: len(own)].mean(axis=0)
    scores[len(own) :] -= scores[len(own) :].mean(axis=0)
    prefix = np.empty((len(scores) + 1, scores.shape[1]))
    _add_up(scores, prefix)
    return _Drawing(frozen(scores), frozen(prefix), len(own), sample.known.kept)


@compiled
def _add_up(scores: Array, prefix: Array) -> None:
    prefix[0] = 0.0
    for n in range(len(scores)):
        for i in range(scores.shape[1]):
            prefix[n + 1, i] = prefix[n, i] + scores[n, i]


def _stretch(drawing: _Drawing, run: int, layout: Layout) -> Array:
    """What runs that are cut from their neighbours lack of the deviation of a long sum (p,), as a factor."""
    far, near = (_variance_of_runs(drawing, length, layout) / length for length in (min(_FAR, drawing.own // 2), run))
    return np.repeat(np.sqrt(np.divide(far, near, out=np.ones_like(far), where=near > 0)), np.diff(layout.edges))


def _variance_of_runs(drawing: _Drawing, run: int, layout: Layout) -> Array:
    """Of sums over runs, by group (g,)."""
    parts = drawing.prefix[: drawing.own + 1], drawing.prefix[drawing.own :]
    own, model = (np.add.reduceat(((part[run:] - part[:-run]) ** 2).mean(axis=0), layout.edges[:-1]) for part in parts)
    return np.asarray(drawing.share * own + (1 - drawing.share) * model)


def _starts(drawing: _Drawing, run: int, shape: tuple[int, ...], generator: np.random.Generator) -> Places:
    """Where runs begin."""
    own = generator.integers(0, drawing.own - run + 1, shape)
    model = generator.integers(drawing.own, len(drawing.scores) - run + 1, shape)
    return np.where(generator.random(shape) < drawing.share, own, model)


def _drawn_reference(
    drawing: _Drawing, truth: Array, sample: Sample, layout: Layout, generator: np.random.Generator
) -> Usual:
    """What would be usual of another reference of the same size, and of a memory that is known as well as this."""
    run = min(_FAR, drawing.own)
    starts = _starts(drawing, run, (max(sample.total // run, 1),), generator)
    mean, squares = np.zeros(layout.size), np.zeros(layout.size)
    _draw_reference(drawing, starts, run, mean, squares)
    variance = np.add.reduceat(squares - mean**2, layout.edges[:-1])
    found = sample.known.serial
    factors = found.factors * np.exp(found.error * generator.standard_normal(len(found.error)))[layout.family]
    known = sample.known._replace(serial=found._replace(factors=factors))
    return usual(Moments(sample.total, mean + truth, len(sample.own), variance), known, layout)


@compiled
def _draw_reference(drawing: _Drawing, starts: Places, run: int, mean: Array, squares: Array) -> None:
    """Mean (p,) and mean square (p,) over the vectors of all runs."""
    scores = drawing.scores
    for start in starts:
        for n in range(start, start + run):
            for i in range(len(mean)):
                mean[i] += scores[n, i]
                squares[i] += scores[n, i] * scores[n, i]
    for i in range(len(mean)):
        mean[i] /= len(starts) * run
        squares[i] /= len(starts) * run


@compiled
def _draw_windows(drawing: _Drawing, starts: Places, run: int, window: int, sums: Array) -> None:
    """Sums (m, p) of windows that are put together from runs (m, r), the last of which may be shorter."""
    prefix = drawing.prefix
    for w in range(len(starts)):
        sums[w] = 0.0
        for r in range(starts.shape[1]):
            start, end = starts[w, r], starts[w, r] + min(run, window - r * run)
            for i in range(sums.shape[1]):
                sums[w, i] += prefix[end, i] - prefix[start, i]
