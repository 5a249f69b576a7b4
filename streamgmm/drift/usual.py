"""What is usual of a stream: the centre and the scale of its scores under the frozen model.

The scores are those of vectors that the frozen model has not learnt. Two things make the best of a short reference:

- *Centre.* Where the model is right, weights, spread and mean have a known expectation. The reference's own mean is
  drawn towards it, as a mean of few vectors is towards that of the many that the model has learnt; where it lies
  further away than noise explains, as of a model that had not settled, less (James and Stein 1961, by family).
- *Scale.* The variance of a window's mean is that of single vectors times a factor for serial correlation, which is
  measured by batch means (Conway 1963): of a group by itself, leaned on that of all groups where it has few numbers.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.drift.scores import FAMILIES, MEAN, SPREAD, WEIGHTS, Layout
from streamgmm.mixture.arrays import Array

BATCH = 25  # vectors to a batch mean
LEAN = 50.0  # batch means' worth of trust in the factor of all groups
_LEAN_COUNT = 100.0  # vectors' worth of trust in the variance that a component's weight predicts
_SMALLEST = 1e-12  # of a variance, relative to its group's square: equal scores are no division by zero
_RARELY = 0.01  # a feature that was never missing counts as if it were missing so often


class Usual(NamedTuple):
    """Centre of a vector's scores (p,), and the deviation (p,) of one vector's share in a long sum of them."""

    centre: Array
    error: Array  # (f,) variance of the centre, in variances of one vector
    deviation: Array


class Moments(NamedTuple):
    """What a reference is summed up by."""

    total: int  # vectors in `mean`
    learnt: float  # effective number of vectors that the model was learnt from
    mean: Array  # (p,)
    sampled: int  # vectors in `squares`; batches hold BATCH of them
    squares: Array  # (g,) mean squared distance of a vector's scores from their mean, by group
    batches: Array  # (g,) the same of batch means, times BATCH


def usual(moments: Moments, layout: Layout, expected: Array) -> Usual:
    """What is usual; `expected` (p,) is the centre under the model, NaN where it says none."""
    sizes = np.diff(layout.edges)
    variance = _variance(moments, layout, expected) * _serial(moments, sizes)
    variance = np.maximum(variance, _SMALLEST * (1 + np.add.reduceat(moments.mean**2, layout.edges[:-1])))
    per_number = np.repeat(variance / sizes, sizes)
    missing = slice(layout.edges[-2], None)
    per_number[missing] = np.maximum(per_number[missing], _RARELY)
    return Usual(*_centre(moments, layout, expected, per_number), np.sqrt(per_number))


def _variance(moments: Moments, layout: Layout, expected: Array) -> Array:
    """Of single vectors, by group (g,): of a component with few vectors leaned on what its weight predicts."""
    variance = moments.squares.copy()
    weights = expected[1 : 1 + int(layout.edges[2] - layout.edges[1])] ** 2
    for family in (SPREAD, MEAN):
        groups = layout.family == family
        ratio = variance[groups].sum() / weights.sum()
        trust = moments.sampled * weights / (moments.sampled * weights + _LEAN_COUNT)
        variance[groups] = trust * variance[groups] + (1 - trust) * ratio * weights
    return variance


def _serial(moments: Moments, sizes: Array) -> Array:
    """How many times larger the variance of a long mean is than of independent vectors (g,)."""
    batches = moments.sampled / BATCH
    own = np.divide(moments.batches, moments.squares, out=np.ones_like(moments.squares), where=moments.squares > 0)
    together = float((own * sizes).sum() / sizes.sum())
    return np.asarray((own * sizes * batches + LEAN * together) / (sizes * batches + LEAN))


def _centre(moments: Moments, layout: Layout, expected: Array, variance: Array) -> tuple[Array, Array]:
    """The mean, drawn towards what the model expects, and the variance of the error that is left, by family."""
    centre, error = moments.mean.copy(), np.full(len(FAMILIES), 1 / moments.total)
    of_number = np.repeat(layout.family, np.diff(layout.edges))
    for family in (WEIGHTS, SPREAD, MEAN):
        at = of_number == family
        away = (moments.mean[at] - expected[at]) / np.sqrt(variance[at] / moments.total)
        kept = _kept(float(away @ away), len(away), moments)
        centre[at] = expected[at] + kept * (moments.mean[at] - expected[at])
        error[family] = kept / moments.total
    return centre, error


def _kept(length: float, size: int, moments: Moments) -> float:
    """The share of the reference's own mean that is kept: more where it lies further away than noise explains."""
    noise = size + 2 * np.sqrt(2 * size)
    return float(max(moments.total / (moments.total + moments.learnt), 1 - noise / max(length, noise)))
