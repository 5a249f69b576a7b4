"""How far two distributions over the components lie apart: model against reference, for diagnosis, never to alarm."""

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array

_FLOOR = 1e-4  # a share below this counts as this: an index of a vanished component stays finite


def aligned(weights: Array, ids: NDArray[np.int64], others: Array, their_ids: NDArray[np.int64]) -> tuple[Array, Array]:
    """Two mixtures' weights over all components that either has, by id; 0 where one of them has it not."""
    every = np.union1d(ids, their_ids)
    p, q = np.zeros(len(every)), np.zeros(len(every))
    p[np.searchsorted(every, ids)], q[np.searchsorted(every, their_ids)] = weights, others
    return p, q


def population_stability_index(weights: Array, reference: Array) -> float:
    """sum (p - q) log(p / q) of the weights (k,) against the reference's (k,), in nats; 0 or above.

    Both are floored at 1e-4 and made to sum to 1 again. Source: Siddiqi 2006, "Credit Risk Scorecards"; it is the
    symmetric Kullback-Leibler divergence (Jeffreys 1946).
    """
    p, q = (np.maximum(w, _FLOOR) / np.maximum(w, _FLOOR).sum() for w in (weights, reference))
    return float(np.sum((p - q) * np.log(p / q)))


def jensen_shannon(weights: Array, reference: Array) -> float:
    """H((p + q) / 2) - (H(p) + H(q)) / 2 of the weights (k,) against the reference's (k,), in nats; 0 to log 2.

    It needs no floor: a component that one side lacks adds at most (log 2) / 2. Source: Lin 1991.
    """
    halfway = entropy((weights + reference) / 2) - (entropy(weights) + entropy(reference)) / 2
    return min(max(halfway, 0.0), float(np.log(2)))


def entropy(weights: Array) -> float:
    """-sum p log p of weights (k,) that sum to 1, in nats; 0 (one has all) to log k. Source: Shannon 1948."""
    present = weights[weights > 0]
    return max(float(-(present * np.log(present)).sum()), 0.0)


def effective_number(weights: Array) -> float:
    """exp(H): how many components of equal weight would be as uncertain; 1 to k. Source: Hill 1973."""
    return float(np.exp(entropy(weights)))
