"""The start: k-means on a whitened buffer, then a short batch EM on it.

Whitened: each feature divided by its standard deviation, so that no unit counts for more than another. k-means starts
from k-means++ seeds (Arthur and Vassilvitskii 2007), several times; the tightest clustering wins. Batch EM then turns
hard clusters into a mixture. A component of the buffer may hold fewer vectors than a covariance has directions, so
each borrows d + 1 vectors' worth of the pooled covariance; the stream forgets that within a few batches.
"""

import numpy as np
from scipy.cluster.vq import ClusterError, kmeans2, vq

from streamgmm.mixture import gaussian, pending
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import LARGEST, Model, Rows
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.parameters import Parameters, m_step, shape_of
from streamgmm.mixture.statistics import Statistics, of_sums

_RESTARTS = 8
_ITERATIONS = 20
_EM_STEPS = 30
_TOLERANCE = 1e-3  # nats a vector, scikit-learn's default
_EPSILON = float(np.finfo(np.float64).eps)

Labels = np.ndarray[tuple[int], np.dtype[np.intp]]


def initialise(rows: Rows, n_components: int, learning: Learning, random_state: int) -> tuple[Statistics, Parameters]:
    """Statistics and parameters from a buffer of at least `n_components` vectors of positive weight."""
    carrying = rows.weights > 0
    vectors, weights = np.clip(rows.vectors[carrying], -LARGEST, LARGEST), np.minimum(rows.weights[carrying], LARGEST)
    learnt = Rows(frozen(vectors), frozen(weights))
    labels, centres = _k_means(learnt, n_components, np.random.default_rng(random_state))
    start = _of_labels(learnt, labels, centres, learning.covariance)
    return _batch_em(learnt, start, learning)


def _batch_em(rows: Rows, start: Statistics, learning: Learning) -> tuple[Statistics, Parameters]:
    """EM steps until the mean log-likelihood no longer grows."""
    statistics = _lean_on_pool(start, rows, learning.covariance)
    parameters, _ = m_step(statistics, _round(statistics, learning.covariance), learning)
    before = -np.inf
    for _ in range(_EM_STEPS):
        expected, log_likelihood = _e_step(rows, parameters, learning.covariance)
        statistics = _lean_on_pool(expected, rows, learning.covariance)
        parameters, _ = m_step(statistics, parameters, learning)
        if log_likelihood - before < _TOLERANCE:
            break
        before = log_likelihood
    return statistics, parameters


def _e_step(rows: Rows, parameters: Parameters, covariance: Covariance) -> tuple[Statistics, float]:
    """Statistics of all rows, and their mean log-likelihood."""
    model, kernel = gaussian.model(parameters, covariance), covariance.kernel
    batch, output = pending.add(pending.nothing(shape_of(parameters), kernel), model, rows, kernel)
    statistics = of_sums(pending.close(batch, model, kernel), parameters.means, covariance)
    return statistics, float(np.average(output.log_likelihood, weights=rows.weights))


def _lean_on_pool(statistics: Statistics, rows: Rows, covariance: Covariance) -> Statistics:
    prior = (rows.vectors.shape[1] + 1) / len(rows.weights)
    return statistics._replace(scatter=frozen(covariance.lean_on_pool(statistics.scatter, statistics.mass, prior)))


def _round(statistics: Statistics, covariance: Covariance) -> Parameters:
    """Unit covariances: what an M-step falls back on that has no last good one."""
    unit = covariance.add_to_diagonal(np.zeros_like(statistics.scatter), np.ones(statistics.mean.shape[1]))
    return Parameters(statistics.mass, statistics.mean, frozen(unit), frozen(covariance.factorise(unit)[0]))


def _of_labels(rows: Rows, labels: Labels, centres: Array, covariance: Covariance) -> Statistics:
    """Statistics of hard clusters. An empty one stays at its centre, with the mass of one vector."""
    clusters = [_moments(Rows(rows.vectors[of], rows.weights[of]), covariance) for of in _members(labels, len(centres))]
    mass = np.concatenate([sums.mass for sums in clusters])
    mean = np.concatenate([sums.mean for sums in clusters])
    scatter = np.concatenate([sums.scatter for sums in clusters])
    statistics = of_sums(Sums(float(mass.sum()), mass, mean, scatter), centres, covariance)
    held = np.maximum(statistics.mass, 1 / len(labels))
    return statistics._replace(mass=frozen(held / held.sum()))


def _members(labels: Labels, n_components: int) -> list[Labels]:
    return [np.flatnonzero(labels == k) for k in range(n_components)]


def _moments(rows: Rows, covariance: Covariance) -> Sums:
    """Mass, mean and scatter of the rows: the statistics of a mixture of one."""
    kernel, n_features = covariance.kernel, rows.vectors.shape[1]
    centre = frozen(rows.vectors[:1] if len(rows.weights) else np.zeros((1, n_features)))
    model = Model(frozen(np.zeros(1)), centre, frozen(np.zeros(kernel.shape(1, n_features))))
    batch, _ = pending.add(pending.nothing((1, n_features), kernel), model, Rows(*map(frozen, rows)), kernel)
    return pending.close(batch, model, kernel)


def _k_means(rows: Rows, n_components: int, generator: np.random.Generator) -> tuple[Labels, Array]:
    """The best of several clusterings: labels (n,), and centres (k, d) in the features' own units."""
    offset, scale = rows.vectors.mean(axis=0), _scale(rows.vectors)
    points, shares = (rows.vectors - offset) / scale, rows.weights / rows.weights.max()
    tries = [_cluster(points, shares, n_components, generator) for _ in range(_RESTARTS)]
    _, labels, centres = min(tries, key=lambda found: found[0])
    return labels, centres * np.where(np.isfinite(scale), scale, 0.0) + offset


def _scale(vectors: Array) -> Array:
    """Standard deviations; infinite for a feature that is constant to rounding, which then says nothing."""
    deviation = vectors.std(axis=0)
    return np.where(deviation > 8 * _EPSILON * np.abs(vectors).max(axis=0), deviation, np.inf)


def _cluster(
    points: Array, weights: Array, n_components: int, generator: np.random.Generator
) -> tuple[float, Labels, Array]:
    """(weighted sum of squared distances, labels, centres) of one k-means run."""
    seeds = _seeds(points, weights, n_components, generator)
    try:
        centres, _ = kmeans2(points, seeds, iter=_ITERATIONS, minit="matrix", missing="raise", check_finite=False)
    except ClusterError:  # a cluster ran empty, as it must where there are fewer distinct points than components
        centres = seeds
    labels, distances = vq(points, centres, check_finite=False)
    return float(weights @ distances**2), labels.astype(np.intp), centres


def _seeds(points: Array, weights: Array, n_components: int, generator: np.random.Generator) -> Array:
    """k-means++: each next seed drawn by its squared distance from the nearest one so far."""
    chosen = [int(generator.choice(len(points), p=weights / weights.sum()))]
    nearest = np.full(len(points), np.inf)
    while len(chosen) < n_components:
        nearest = np.minimum(nearest, np.square(points - points[chosen[-1]]).sum(axis=1))
        chance = weights * nearest
        chance = chance if chance.any() else weights
        chosen.append(int(generator.choice(len(points), p=chance / chance.sum())))
    return points[chosen]
