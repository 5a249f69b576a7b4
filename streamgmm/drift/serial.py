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
from streamgmm.mixture.arrays import Array, Flags

UNRELATED = 1.1  # a factor of all scores together below this is no sign of memory
_SIGN = 1.0  # standard errors that a correlation has to be above 0
_SHORTEST = 20  # a reference is at least so many times as long as the memory that is looked for
_LONGEST = 0.98  # memory from one vector to the next, at most
_HALVINGS = 30
_MOST_HIDDEN = 4.0  # times the memory that scores show where components overlap
_NONE = 1e-12  # variance of what never varies


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
    summed = np.zeros((len(scores), len(squares)))  # products of each vector with those before it, over the lags so far
    going = squares > 0
    for lag in range(1, max(len(scores) // _SHORTEST, 1) + 1):
        products = np.add.reduceat(away[lag:] * away[:-lag], first, axis=1)
        going = going & _sign(products, layout)
        if lag == 1:
            noise = products
        if not going.any():
            break
        summed[lag:] += products * going
    own = 1 + 2 * np.divide(summed.sum(axis=0), squares, out=np.zeros_like(squares), where=squares > 0)
    summed[1:] += noise * ~summed.any(axis=0)  # of a family without a sign the first lag says how well that is known
    return _drawn_together(own, summed, squares, layout)


def together(found: Serial, layout: Layout) -> float:
    """One factor of all scores that say something."""
    at = layout.family != MISSING
    return float(np.average(found.factors[at], weights=np.diff(layout.edges)[at]))


def noise_of(size: int) -> float:
    """The squared length of so many standard normal numbers that noise hardly exceeds."""
    return size + 2 * float(np.sqrt(2 * size))


def memory(found: Serial, layout: Layout, drawn: Serial | None = None) -> Memory:
    """The memory that a stream with such factors has, where each vector follows the last alone; none if unrelated.

    With labels that stay with probability a, the factor of the weights is (1 + a) / (1 - a). That of the means is
    1 + 2 (1 - w) ab / (1 - ab) + 2 w b / (1 - b), where noise stays by b, and w is the chance to meet again. That is
    of components apart; where they overlap the scores show less of it. `drawn` are the factors of a stream that was
    drawn with what this said without: with them it says as much more as those came out too small.
    """
    if together(found, layout) < UNRELATED:
        return Memory(0.0, 0.0)
    weights, means = (_asked(found, drawn or found, layout.family == family) for family in (WEIGHTS, MEAN))
    labels = float(np.clip((weights - 1) / (weights + 1), 0.0, _LONGEST))
    again = 1 / int((layout.family == MEAN).sum())
    low, high = 0.0, _LONGEST
    for _ in range(_HALVINGS):
        noise = (low + high) / 2
        both = labels * noise
        factor = 1 + 2 * (1 - again) * both / (1 - both) + 2 * again * noise / (1 - noise)
        low, high = (noise, high) if factor < means else (low, noise)
    return Memory(labels, low)


def _asked(found: Serial, drawn: Serial, at: Flags) -> float:
    wanted, got = (float(one.factors[at].mean()) - 1 for one in (found, drawn))
    return 1 + wanted * min(max(wanted / max(got, _NONE), 1.0), _MOST_HIDDEN)


def _sign(products: Array, layout: Layout) -> Flags:
    """Of which groups the family's scores are correlated at a lag, given their products (n, g)."""
    found = np.zeros(len(layout.family), np.bool_)
    for family in np.unique(layout.family):
        at = layout.family == family
        of_vectors = products[:, at].sum(axis=1)
        found[at] = of_vectors.sum() > _SIGN * np.sqrt((of_vectors**2).sum())
    return found


def _drawn_together(own: Array, summed: Array, squares: Array, layout: Layout) -> Serial:
    """Factors of groups, drawn towards their family's; `summed` (n, g) are the products that they were summed from."""
    factors, error = np.ones_like(own), np.zeros(len(FAMILIES))
    for family in np.unique(layout.family[squares > 0]):
        at = (layout.family == family) & (squares > 0)
        mean = max(float(np.average(own[at], weights=squares[at])), 1.0)
        variance = 4 * (summed[:, at] ** 2).sum(axis=0) / squares[at] ** 2
        length = float(((own[at] - mean) ** 2 / np.maximum(variance, _NONE)).sum())
        noise = noise_of(int(at.sum()))
        factors[at] = mean + max(0.0, 1 - noise / max(length, noise)) * (own[at] - mean)
        error[family] = 2 * np.sqrt((summed[:, at].sum(axis=1) ** 2).sum()) / squares[at].sum() / mean
    return Serial(np.maximum(factors, 1.0), error)
