"""What is usual of a stream: the centre and the scale of its scores under the frozen model.

The scores are those of vectors that the frozen model has not learnt. Two things make the best of a short reference:

- *Centre.* Where the model is right, weights, spread and mean have a known expectation. The reference's own mean is
  drawn towards it, as a mean of few vectors is towards that of the many that the model has learnt; where it lies
  further away than noise explains, as of a model that had not settled, less (James and Stein 1961, by family).
- *Scale.* The variance of a window's mean is that of single vectors times a factor for serial correlation (`serial`).
  That of single vectors is the reference's own and the model's, by the share of the reference's law that `likeness`
  keeps.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.drift.scores import FAMILIES, MEAN, SPREAD, WEIGHTS, Layout
from streamgmm.drift.serial import Serial, noise_of
from streamgmm.mixture.arrays import Array

_LEAN_COUNT = 100.0  # vectors' worth of trust in the variance that a component's weight predicts
_SMALLEST = 1e-12  # of a variance, relative to its group's square: equal scores are no division by zero
_RARELY = 0.01  # a feature that was never missing counts as if it were missing so often


class Usual(NamedTuple):
    """Centre of a vector's scores (p,), and the deviation (p,) of one vector's share in a long sum of them."""

    centre: Array
    error: Array  # (f,) variance of the centre, in variances of one vector
    deviation: Array


class Known(NamedTuple):
    """What is known beside a reference's moments: of the frozen model, and of the stream's memory."""

    learnt: Array  # (f,) effective number of vectors that it was learnt from
    centre: Array  # (p,) of the scores; NaN where it says none
    squares: Array  # (g,) as in `Moments`, under the model
    kept: float  # share of the reference's own law that counts beside the model's
    serial: Serial


class Moments(NamedTuple):
    """What a reference is summed up by."""

    total: int  # vectors in `mean`
    mean: Array  # (p,)
    sampled: int  # vectors in `squares`
    squares: Array  # (g,) mean squared distance of a vector's scores from their mean, by group


def usual(moments: Moments, known: Known, layout: Layout) -> Usual:
    """What is usual."""
    sizes = np.diff(layout.edges)
    variance = _variance(moments, known, layout) * known.serial.factors
    variance = np.maximum(variance, _SMALLEST * (1 + np.add.reduceat(moments.mean**2, layout.edges[:-1])))
    per_number = np.repeat(variance / sizes, sizes)
    missing = slice(layout.edges[-2], None)
    per_number[missing] = np.maximum(per_number[missing], _RARELY)
    return Usual(*_centre(moments, known, layout, per_number), np.sqrt(per_number))


def _variance(moments: Moments, known: Known, layout: Layout) -> Array:
    """Of single vectors, by group (g,): of a component with few vectors leaned on what its weight predicts."""
    variance = moments.squares.copy()
    weights = known.centre[1 : 1 + int(layout.edges[2] - layout.edges[1])] ** 2
    for family in (SPREAD, MEAN):
        groups = layout.family == family
        ratio = variance[groups].sum() / weights.sum()
        trust = moments.sampled * weights / (moments.sampled * weights + _LEAN_COUNT)
        variance[groups] = trust * variance[groups] + (1 - trust) * ratio * weights
    return np.asarray(known.kept * variance + (1 - known.kept) * known.squares)


def _centre(moments: Moments, known: Known, layout: Layout, variance: Array) -> tuple[Array, Array]:
    """The mean, drawn towards what the model expects, and the variance of the error that is left, by family."""
    centre, error = moments.mean.copy(), np.full(len(FAMILIES), 1 / moments.total)
    of_number = np.repeat(layout.family, np.diff(layout.edges))
    for family in (WEIGHTS, SPREAD, MEAN):
        at = of_number == family
        away = (moments.mean[at] - known.centre[at]) / np.sqrt(variance[at] / moments.total)
        length, noise = float(away @ away), noise_of(len(away))
        kept = max(moments.total / (moments.total + known.learnt[family]), 1 - noise / max(length, noise))
        centre[at] = known.centre[at] + kept * (moments.mean[at] - known.centre[at])
        error[family] = kept / moments.total
    return centre, error
