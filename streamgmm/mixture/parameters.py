"""The M-step: parameters from statistics, positive definite whatever the statistics hold.

Regularisation is added when a covariance is formed and never enters the statistics, so it does not pile up:

    ridge = reg_relative * typical variance + reg_covar + resolution

The typical variance of a feature is its median over the components (by mass) of the variance *within* a component:
a component that collapses is held up by the others, and clusters 1e8 apart do not blur one another, as they would
if the variance of the whole were taken. The resolution, (2 eps |mean|)^2, is what float64 can tell apart there; it
keeps a constant feature positive definite.
A covariance that still has no Cholesky factor gets ten times the ridge, again and again, and in the end the last
good one. Each is counted.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.covariance import LEAST_MASS
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.statistics import Statistics

_SMALLEST_VARIANCE = 1e-60
_EPSILON = float(np.finfo(np.float64).eps)
_ESCALATIONS = 12


class Parameters(NamedTuple):
    """The mixture."""

    weights: Array  # (k,)
    means: Array  # (k, d)
    covariances: Array  # by covariance type, regularised
    precisions_cholesky: Array  # by covariance type: Sigma^-1 = P P^T, P upper triangular


def shape_of(parameters: Parameters) -> tuple[int, int]:
    """(k, d): components and features."""
    n_components, n_features = parameters.means.shape
    return n_components, n_features


def m_step(statistics: Statistics, last: Parameters, learning: Learning) -> tuple[Parameters, int]:
    """The parameters that the statistics say, and how many covariances had to be repaired.

    A component with no mass left keeps the mean and the covariance that it had in `last`.
    """
    covariance = learning.covariance
    alive = statistics.mass > LEAST_MASS
    means = np.where(alive[:, None], statistics.mean, last.means)
    raw = covariance.form(statistics.scatter, statistics.mass)
    covariances, factors, sound, repairs = _positive_definite(
        raw, _ridges(raw, means, statistics.mass, learning), learning
    )
    fresh = sound & ~covariance.by_piece(~alive)
    parameters = Parameters(
        frozen(np.maximum(statistics.mass / statistics.mass.sum(), LEAST_MASS)),
        frozen(means),
        frozen(covariance.choose(fresh, covariances, last.covariances)),
        frozen(covariance.choose(fresh, factors, last.precisions_cholesky)),
    )
    return parameters, repairs


def _ridges(raw: Array, means: Array, mass: Array, learning: Learning) -> tuple[Array, Array]:
    """The ridge (k, d) or (d,), and the least one to escalate from."""
    typical = learning.covariance.typical_variances(raw, mass)
    resolution = learning.covariance.largest_by_piece((2 * _EPSILON * means) ** 2) + _SMALLEST_VARIANCE
    return learning.reg_relative * typical + learning.reg_covar + resolution, _EPSILON * typical + resolution


def _positive_definite(raw: Array, ridges: tuple[Array, Array], learning: Learning) -> tuple[Array, Array, Flags, int]:
    """Covariances with their factors, which pieces are sound, and how many needed more than the plain ridge."""
    covariance = learning.covariance
    ridge, least = ridges
    covariances = covariance.add_to_diagonal(raw, ridge)
    factors, sound = covariance.factorise(covariances)
    repaired = ~sound
    times = np.where(repaired, 10.0, 0.0)
    for _ in range(_ESCALATIONS):
        if sound.all():
            break
        covariances = covariance.add_to_diagonal(raw, ridge + times[..., None] * np.maximum(ridge, least))
        factors, sound = covariance.factorise(covariances)
        times = np.where(sound, times, 10 * times)
    return covariances, factors, sound, int(repaired.sum())
