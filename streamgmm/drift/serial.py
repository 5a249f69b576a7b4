"""How much longer the memory of a stream makes the noise of its long means: serial factors.

The variance of a long mean is that of independent vectors times 1 + 2 sum_h rho(h), over the lags h at which scores are
correlated. A single group of scores shows its correlations badly in a short reference, and what is noise in its factor
is noise in every limit. So they are pooled over a family, and summed up to the first lag at which they are no larger
than noise (after Geyer 1992); a group's own factor is drawn towards its family's as far as it differs by no more than
noise (James and Stein 1961).
"""

from typing import NamedTuple

import numpy as np

from streamgmm.drift.scores import FAMILIES, MEAN, MISSING, WEIGHTS, Layout
from streamgmm.mixture.arrays import Array

UNRELATED = 1.1  # a factor of all scores together below this is no sign of memory
_SIGN = 1.0  # standard errors that a correlation has to be above 0
_SHORTEST = 20  # a reference is at least so many times as long as the memory that is looked for
_LONGEST = 0.98  # memory from one vector to the next, at most
_HALVINGS = 30


class Serial(NamedTuple):
    """Factors of the variance of long means."""

    factors: Array  # (g,)
    error: Array  # (f,) standard error of the logarithm of a family's


class Memory(NamedTuple):
    """How far each vector follows the last, 0 to 1: with what probability it has the same component, and its noise."""

    labels: float
    noise: float


def serial(scores: Array, layout: Layout) -> Serial:
    """Of the groups of scores (n, p), in the order of the stream."""
    away, first = scores - scores.mean(axis=0), layout.edges[:-1]
    squares = np.add.reduceat((away**2).sum(axis=0), first)
    sums, lags = np.zeros(len(squares)), np.zeros(len(FAMILIES))
    going = set(np.unique(layout.family[squares > 0]).tolist())
    for lag in range(1, len(scores) // _SHORTEST + 1):
        products = np.add.reduceat(np.einsum("ni,ni->i", away[lag:], away[:-lag]), first)
        going = {family for family in going if _sign(products, squares, layout, family, len(scores))}
        if not going:
            break
        at = np.isin(layout.family, list(going))
        sums[at] += products[at]
        lags[list(going)] = lag
    own = 1 + 2 * np.divide(sums, squares, out=np.zeros_like(sums), where=squares > 0)
    return _drawn_together(own, squares, 4 * np.maximum(lags, 1) / len(scores), layout)


def together(found: Serial, layout: Layout) -> float:
    """One factor of all scores that say something."""
    at = layout.family != MISSING
    return float(np.average(found.factors[at], weights=np.diff(layout.edges)[at]))


def noise_of(size: int) -> float:
    """The squared length of so many standard normal numbers that noise hardly exceeds."""
    return size + 2 * float(np.sqrt(2 * size))


def memory(found: Serial, layout: Layout) -> Memory:
    """The memory that a stream with such factors has, where each vector follows the last alone; none if unrelated.

    With labels that stay with probability a, the factor of the weights is (1 + a) / (1 - a). That of the means is
    1 + 2 (1 - w) ab / (1 - ab) + 2 w b / (1 - b), where noise stays by b, and w is the chance to meet again.
    """
    if together(found, layout) < UNRELATED:
        return Memory(0.0, 0.0)
    weights, means = (float(found.factors[layout.family == family].mean()) for family in (WEIGHTS, MEAN))
    labels = float(np.clip((weights - 1) / (weights + 1), 0.0, _LONGEST))
    again = 1 / int((layout.family == MEAN).sum())
    low, high = 0.0, _LONGEST
    for _ in range(_HALVINGS):
        noise = (low + high) / 2
        both = labels * noise
        factor = 1 + 2 * (1 - again) * both / (1 - both) + 2 * again * noise / (1 - noise)
        low, high = (noise, high) if factor < means else (low, noise)
    return Memory(labels, low)


def _sign(products: Array, squares: Array, layout: Layout, family: int, count: int) -> bool:
    """Whether a family's scores are correlated at a lag."""
    at = layout.family == family
    numbers = int(np.diff(layout.edges)[at].sum())
    return bool(products[at].sum() > _SIGN / np.sqrt(numbers * count) * squares[at].sum())


def _drawn_together(own: Array, squares: Array, variance: Array, layout: Layout) -> Serial:
    """Factors of groups, drawn towards their family's; `variance` (f,) is that of a factor from a single number."""
    sizes, factors, error = np.diff(layout.edges), np.ones_like(own), np.zeros_like(variance)
    for family in np.unique(layout.family[squares > 0]):
        at = (layout.family == family) & (squares > 0)
        mean = max(float(np.average(own[at], weights=squares[at])), 1.0)
        length = float(((own[at] - mean) ** 2 * sizes[at]).sum() / variance[family])
        noise = noise_of(int(at.sum()))
        factors[at] = mean + max(0.0, 1 - noise / max(length, noise)) * (own[at] - mean)
        error[family] = np.sqrt(variance[family] / sizes[at].sum()) / mean
    return Serial(np.maximum(factors, 1.0), error)
