"""The mixture's parameters, and the M-step that makes them from statistics."""

from typing import NamedTuple

from streamgmm.mixture import unseen
from streamgmm.mixture.arrays import Array, frozen, sealed
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.m_step import Regularisation
from streamgmm.mixture.statistics import Statistics


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


def regularisation_of(learning: Learning) -> Regularisation:
    """As the compiled M-step takes it."""
    return Regularisation(float(learning.reg_relative), float(learning.reg_covar))


def m_step(statistics: Statistics, last: Parameters, learning: Learning) -> tuple[Parameters, int]:
    """The parameters that the statistics say, and how many covariances had to be repaired.

    A component with no mass left keeps the mean and the covariance that it had in `last`; a feature of which nothing
    was known there, and nothing is by the statistics, stays so.
    """
    before = Statistics(*map(frozen, statistics)), Parameters(*map(frozen, last))
    *found, repairs = learning.covariance.maximise(*before, regularisation_of(learning))
    parameters = Parameters(*map(sealed, found))
    if unseen.any_in(last, learning.covariance):
        parameters = unseen.kept(parameters, statistics, last, learning.covariance)
    return parameters, repairs
