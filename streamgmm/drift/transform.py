"""The probability integral transform of the features, by the components that a vector belongs to.

    u_i = sum_k r_k Phi((x_i - mu_ki) / sigma_ki)

with the responsibilities r of what is known of the vector; 0 to 1. Were it weighted by pi_k it would be uniform where
the model is right (Rosenblatt 1952, Dawid 1984); by r_k it asks where in its own component a vector lies, and a change
of the weights alone leaves it as it is. It is not quite uniform then, so a stream is compared with the reference's own.
"""

import math
from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import compiled, inlined
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters, shape_of

BINS = 10  # of equal width
MOST = 64  # features told of: those that moved furthest
NOTHING = 1e-4  # a responsibility below this is left out
_END, _STEPS = 8.0, 128  # the table of Phi: to how many standard deviations, and entries to each; 2e-6 is its error
_PLACES = np.arange(-_END * _STEPS, _END * _STEPS + 2) / _STEPS
_TABLE = frozen(np.array([math.erfc(-x / math.sqrt(2)) / 2 for x in _PLACES.tolist()]))


class Margins(NamedTuple):
    """Each feature in each component."""

    means: Array  # (k, d)
    deviations: Array  # (k, d)


def margins(parameters: Parameters, covariance: Covariance) -> Margins:
    """Of a model."""
    variances = covariance.variances(parameters.covariances, shape_of(parameters))
    return Margins(parameters.means, frozen(np.sqrt(variances)))


@compiled
def transforms(of: Margins, vectors: Array, responsibilities: Array) -> Array:
    """u (n, d) of vectors (n, d) with responsibilities (n, k); NaN where a feature is missing."""
    found = np.empty(vectors.shape)
    for n in range(len(vectors)):
        for i in range(vectors.shape[1]):
            found[n, i] = transform(of, vectors[n, i], responsibilities[n], i)
    return found


@inlined
def transform(of: Margins, value: float, responsibilities: Array, feature: int) -> float:
    """u of one feature's value."""
    total, weight = 0.0, 0.0
    for k in range(len(responsibilities)):
        r = responsibilities[k]
        if r > NOTHING:
            away = (value - of.means[k, feature]) / of.deviations[k, feature]
            place = (min(max(away, -_END), _END) + _END) * _STEPS
            below = int(place)
            total += r * (_TABLE[below] + (place - below) * (_TABLE[below + 1] - _TABLE[below]))
            weight += r
    return total / weight if weight > 0.0 else np.nan


def distances(shares: Array, usual: Array) -> Array:
    """Of each feature's shares by bin (d, b) from the usual ones: the largest difference of their sums (d,), 0 to 1.

    Source: Kolmogorov 1933, Smirnov 1939, at the bins' edges.
    """
    return np.asarray(np.abs(np.cumsum(shares - usual, axis=1)).max(axis=1))
