"""How many vectors of equal weight would say as much as the statistics do (Kish 1965, Survey Sampling).

The statistics are a weighted mean of what every vector said, with shares a_i that sum to 1; their effective sample
size is 1 / sum a_i ** 2. A step keeps (1 - eta) of every old share and gives eta w_i / W to the new ones, so

    1 / n = (1 - eta) ** 2 / n_old + eta ** 2 sum w_i ** 2 / W ** 2

With exponent 1 and delay 0 it is the number of vectors seen; with forgetting it settles at what is remembered.

The average of such statistics over the last m batches says more. A mean that forgets by exp(-1 / tau) a batch remembers
2 tau of them; averaged over m its shares rise, stay and fall, and are worth

    m ** 2 / (m - tau (1 - exp(-m / tau)))    batches: 2 tau for a short average, m + tau for a long one
"""

import math

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import LARGEST
from streamgmm.mixture.compiled import compiled, inlined

_EXACT = 2.0**52


def blended(old: float, step_size: float, weight: float, squares: float) -> float:
    """The effective sample size after a step that learns vectors of this weight, whose squares sum to `squares`."""
    return 1.0 / ((1.0 - step_size) ** 2 / old + step_size**2 / of_weights(weight, squares))


def of_each(weights: Array) -> float:
    """Of a sample with these weights (n,)."""
    return of_weights(float(np.minimum(weights, LARGEST).sum()), add_squares(0.0, frozen(weights)))


def of_weights(weight: float, squares: float) -> float:
    """Of a sample whose weights sum to `weight` and their squares to `squares`; 1 where they vanish in rounding."""
    return max(weight**2 / squares, 1.0) if squares > 0 else 1.0


def of_average(size: float, batches: float, learnt: float) -> float:
    """Of the average over so many batches of statistics whose own size is `size`; `learnt` batches were seen at all.

    All three in batches; statistics of a start that says more than was learnt keep their own size.
    """
    if batches <= 0:
        return size
    tau = size / 2
    worth = batches**2 / (batches + tau * math.expm1(-batches / tau))
    return max(size, min(worth, learnt))


@compiled
def add_squares(before: float, weights: Array) -> float:
    """`before` plus the squares of the weights, one after the other: the same bits however they were cut."""
    if _counts_exactly(before) and _all_ones(weights):
        return before + len(weights)  # what adding one by one gives
    total = before
    for weight in weights:
        bounded = min(weight, LARGEST)
        total += bounded * bounded
    return total


@inlined
def _counts_exactly(total: float) -> bool:
    """Whether ones can be added to it without rounding, more than memory holds."""
    return total < _EXACT and total == math.floor(total)


@inlined
def _all_ones(weights: Array) -> bool:
    others = 0
    for n in range(len(weights)):
        others += weights[n] != 1.0
    return others == 0
