"""Which components overlap so far that they are one: by the coefficient of Bhattacharyya (1943).

    BC = integral of sqrt(p_i p_j),    -log BC = `between.bhattacharyya`:    1 for the same Gaussian, 0 far apart

Of a single feature the coefficient is never smaller than of all together, because it can only grow where something is
not looked at. So features by themselves rule out nearly every pair, and what is left is computed in full.
"""

import math
from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.between import Places, between, bhattacharyya
from streamgmm.mixture.compiled import compiled, part
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters, shape_of

_MOST = 4  # pairs of a component that are computed in full: those whose features are most alike


class Pairs(NamedTuple):
    """Pairs of components, those that overlap most first."""

    first: Places  # (m,)
    second: Places  # (m,)


def overlapping(parameters: Parameters, eligible: Flags, bound: float, covariance: Covariance) -> Pairs:
    """Pairs of eligible (k,) components whose coefficient is above `bound`."""
    farthest = -math.log(bound)
    variances = covariance.variances(parameters.covariances, shape_of(parameters))
    candidates = _candidates(frozen(parameters.means), frozen(variances), eligible, farthest)
    first, rank = np.nonzero(candidates >= 0)
    second = candidates[first, rank]
    if not len(first):
        return Pairs(first, second)
    apart = bhattacharyya(between(parameters, parameters, (first, second), covariance))
    order = np.argsort(apart, kind="stable")
    order = order[apart[order] < farthest]
    return Pairs(first[order], second[order])


@compiled
def _candidates(means: Array, variances: Array, eligible: Flags, farthest: float) -> Places:
    """(k, m) of each component the later ones that it may overlap with; -1 fills up."""
    found = np.full((len(means), _MOST), -1, np.intp)
    apart = np.full((len(means), _MOST), np.inf)
    for i in range(len(means)):
        for j in range(i + 1 if eligible[i] else len(means), len(means)):
            distance = _at_least(means, variances, i, j, farthest) if eligible[j] else np.inf
            if distance < min(farthest, apart[i].max()):
                place = apart[i].argmax()
                found[i, place], apart[i, place] = j, distance
    return found


@part
def _at_least(means: Array, variances: Array, i: int, j: int, farthest: float) -> float:
    """The largest distance in any one feature; looked for until it is too far."""
    largest = 0.0
    for f in range(means.shape[1]):
        both = variances[i, f] + variances[j, f]
        alike = 0.5 * math.log(both / (2.0 * math.sqrt(variances[i, f]) * math.sqrt(variances[j, f])))
        largest = max(largest, (means[i, f] - means[j, f]) ** 2 / (4.0 * both) + alike)
        if not largest < farthest:
            return np.inf
    return largest
