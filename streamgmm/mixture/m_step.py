"""The M-step, compiled: parameters from statistics, positive definite whatever the statistics hold.

Without regularisation these are Bishop 2006, equations 9.24 to 9.27, and for the other types of covariance the maxima
that Celeux and Govaert (1995) derive. It is added when a covariance is formed and never enters the statistics, so it
does not pile up:

    ridge = reg_relative * typical variance + reg_covar + resolution

The typical variance of a feature is its median over the components (by mass) of the variance *within* a component:
a component that collapses is held up by the others, and clusters 1e8 apart do not blur one another, as they would
if the variance of the whole were taken. The resolution, (2 eps |mean|)^2, is what float64 can tell apart there; it
keeps a constant feature positive definite.
A covariance that still has no Cholesky factor gets ten times the ridge, again and again, and in the end the last
good one. Each is counted.

There is a function for each type of covariance; `Covariance.maximise` says which. Compiled, because at full speed
there are a thousand and more M-steps a second.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.compiled import compiled, part
from streamgmm.mixture.factorise import factorise_one

if TYPE_CHECKING:
    from streamgmm.mixture.parameters import Parameters
    from streamgmm.mixture.statistics import Statistics

LEAST_MASS = 1e-100  # of a component: below it there is nothing left to learn from
VACANT = 1e-300  # weight of a place that holds no component: no vector belongs there, until one is put there
_SMALLEST_VARIANCE = 1e-60
_EPSILON = 2.220446049250313e-16
_ESCALATIONS = 12


class Regularisation(NamedTuple):
    """What is added to the diagonal."""

    relative: float  # times the feature's typical variance
    absolute: float  # as it is, in the feature's unit squared


class Maximum(NamedTuple):
    """The parameters, and how many covariances had to be repaired."""

    weights: Array  # (k,)
    means: Array  # (k, d)
    covariances: Array  # by type
    factors: Array  # by type
    repairs: int


class Ridge(NamedTuple):
    """What is added to a covariance's diagonal, and the least that may be escalated from."""

    plain: Array  # (d,)
    least: Array  # (d,)


@compiled
def maximise_full(statistics: "Statistics", last: "Parameters", regularisation: Regularisation) -> Maximum:
    """Each component by itself."""
    weights, means = _weights_and_means(statistics.mass, statistics.mean, last)
    components, features = means.shape
    raw, variances = np.zeros((components, features, features)), np.zeros((components, features))
    for k in range(components):
        for i in range(features if statistics.mass[k] > LEAST_MASS else 0):
            for j in range(features):
                raw[k, i, j] = statistics.scatter[k, i, j] / statistics.mass[k]
            variances[k, i] = raw[k, i, i]
    typical = _weighted_medians(variances, statistics.mass)
    covariances, factors, repairs = last.covariances.copy(), last.precisions_cholesky.copy(), 0
    for k in range(components):
        if statistics.mass[k] > LEAST_MASS:
            ridge = _ridge(typical, means[k], regularisation)
            repairs += _full_piece(raw[k], ridge, covariances[k], factors[k])
    return Maximum(weights, means, covariances, factors, repairs)


@compiled
def maximise_tied(statistics: "Statistics", last: "Parameters", regularisation: Regularisation) -> Maximum:
    """One full covariance for all components."""
    weights, means = _weights_and_means(statistics.mass, statistics.mean, last)
    components, features = means.shape
    mass, typical = 0.0, np.empty(features)
    for k in range(components):
        mass += statistics.mass[k]
    raw = statistics.scatter / mass
    for i in range(features):
        typical[i] = raw[i, i]
    covariance, factor = last.covariances.copy(), last.precisions_cholesky.copy()
    position = _weighted_medians(np.abs(means), statistics.mass)
    repairs = _full_piece(raw, _ridge(typical, position, regularisation), covariance, factor)
    return Maximum(weights, means, covariance, factor, repairs)


@compiled
def maximise_diagonal(statistics: "Statistics", last: "Parameters", regularisation: Regularisation) -> Maximum:
    """Each component by itself, a variance for each feature."""
    weights, means = _weights_and_means(statistics.mass, statistics.mean, last)
    components, features = means.shape
    raw = np.zeros((components, features))
    for k in range(components):
        for i in range(features if statistics.mass[k] > LEAST_MASS else 0):
            raw[k, i] = statistics.scatter[k, i] / statistics.mass[k]
    typical = _weighted_medians(raw, statistics.mass)
    covariances, factors, repairs = last.covariances.copy(), last.precisions_cholesky.copy(), 0
    for k in range(components):
        if statistics.mass[k] > LEAST_MASS:
            ridge = _ridge(typical, means[k], regularisation)
            repairs += _diagonal_piece(raw[k], ridge, covariances[k], factors[k])
    return Maximum(weights, means, covariances, factors, repairs)


@compiled
def maximise_spherical(statistics: "Statistics", last: "Parameters", regularisation: Regularisation) -> Maximum:
    """Each component by itself, one variance for all features; its ridge is the features' mean."""
    weights, means = _weights_and_means(statistics.mass, statistics.mean, last)
    components, features = means.shape
    raw, distances = np.zeros((components, 1)), np.zeros((components, 1))
    for k in range(components):
        for i in range(features):
            distances[k, 0] += means[k, i] * means[k, i] / features
        distances[k, 0] = math.sqrt(distances[k, 0])
        if statistics.mass[k] > LEAST_MASS:
            raw[k, 0] = statistics.scatter[k] / statistics.mass[k]
    typical = _weighted_medians(raw, statistics.mass)
    covariances, factors, repairs = last.covariances.copy(), last.precisions_cholesky.copy(), 0
    for k in range(components):
        if statistics.mass[k] > LEAST_MASS:
            ridge = _ridge(typical, distances[k], regularisation)
            repairs += _diagonal_piece(raw[k], ridge, covariances[k : k + 1], factors[k : k + 1])
    return Maximum(weights, means, covariances, factors, repairs)


@part
def _weights_and_means(mass: Array, mean: Array, last: "Parameters") -> tuple[Array, Array]:
    """A component with no mass left keeps the mean that it had, and a vacant place stays one."""
    weights, means, total = np.empty(mass.shape), np.empty(mean.shape), 0.0
    for k in range(len(mass)):
        total += mass[k]
    for k in range(len(mass)):
        weights[k] = max(mass[k] / total, min(last.weights[k], LEAST_MASS))
        for i in range(mean.shape[1]):
            means[k, i] = mean[k, i] if mass[k] > LEAST_MASS else last.means[k, i]
    return weights, means


@part
def _weighted_medians(variances: Array, mass: Array) -> Array:
    """For each column of (k, m) the value that half the mass (k,) lies at or below: neither a component that has
    collapsed nor one that a wild vector has blown up moves it.
    """
    medians, order, total = np.empty(variances.shape[1]), np.arange(len(mass), dtype=np.int64), 0.0
    for k in range(len(mass)):
        total += mass[k]
    for i in range(len(medians)):
        _sort(order, variances, i)
        below = 0.0
        for place in range(len(order)):
            k = order[place]
            below += mass[k]
            medians[i] = variances[k, i]
            if below >= 0.5 * total:
                break
    return medians


@part
def _sort(order: NDArray[np.int64], variances: Array, i: int) -> None:
    """By insertion: there are few, and one feature's order is much like the last one's."""
    for n in range(1, len(order)):
        moved, place = order[n], n
        while place > 0 and variances[order[place - 1], i] > variances[moved, i]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = moved


@part
def _ridge(typical: Array, position: Array, regularisation: Regularisation) -> Ridge:
    """For a piece whose mean lies at `position`."""
    plain, least = np.empty(typical.shape), np.empty(typical.shape)
    for i in range(len(typical)):
        resolution = (2 * _EPSILON * position[i]) ** 2 + _SMALLEST_VARIANCE
        plain[i] = regularisation.relative * typical[i] + regularisation.absolute + resolution
        least[i] = _EPSILON * typical[i] + resolution
    return Ridge(plain, least)


@part
def _full_piece(raw: Array, ridge: Ridge, covariance: Array, factor: Array) -> int:
    """Put the regularised covariance and its factor in place of the last good ones, if there is one; 1 for a repair."""
    candidate, found, times = raw.copy(), np.zeros(raw.shape), 0.0
    for attempt in range(_ESCALATIONS + 1):
        for i in range(len(raw)):
            candidate[i, i] = raw[i, i] + ridge.plain[i] + times * max(ridge.plain[i], ridge.least[i])
        if factorise_one(candidate, found):
            for i in range(len(raw)):
                for j in range(len(raw)):
                    covariance[i, j], factor[i, j] = candidate[i, j], found[i, j]
            return min(attempt, 1)
        times = max(10.0 * times, 10.0)
    return 1


@part
def _diagonal_piece(raw: Array, ridge: Ridge, covariance: Array, factor: Array) -> int:
    """As `_full_piece`, where the covariance is diagonal."""
    candidate, times = np.empty(raw.shape), 0.0
    for attempt in range(_ESCALATIONS + 1):
        sound = True
        for i in range(len(raw)):
            candidate[i] = raw[i] + ridge.plain[i] + times * max(ridge.plain[i], ridge.least[i])
            sound &= candidate[i] > 0.0 and candidate[i] < np.inf
        if sound:
            for i in range(len(raw)):
                covariance[i], factor[i] = candidate[i], 1.0 / math.sqrt(candidate[i])
            return min(attempt, 1)
        times = max(10.0 * times, 10.0)
    return 1
