"""Sufficient statistics, centred: the expected mass, mean and scatter of each component.

Raw second moments lose every digit of a variance once the data lie 1e7 standard deviations from the origin; scatter
about the component's own mean does not.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, frozen, sealed
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.moments import Sums


class Statistics(NamedTuple):
    """Per vector of weight one."""

    mass: Array  # (k,) sums to 1, less the weight of the background where there is one
    mean: Array  # (k, d)
    scatter: Array  # by covariance type, about `mean`, not divided by the mass


def of_sums(sums: Sums, means: Array, covariance: Covariance) -> Statistics:
    """What the sums say per unit of weight. A component without mass gets its place from `means` (k, d)."""
    mean = sums.mean if sums.mass.all() else np.where(sums.mass[:, None] > 0, sums.mean, means)
    scatter = covariance.of_sums(sums.scatter) / sums.weight
    return Statistics(sealed(sums.mass / sums.weight), frozen(mean), sealed(scatter))


def blend(old: Statistics, new: Statistics, step_size: float, covariance: Covariance) -> Statistics:
    """(1 - step_size) old + step_size new, about the blended means: exact, and positive definite by construction.

    A component that neither side has seen keeps its old mean.
    """
    both = Statistics(*map(frozen, old)), Statistics(*map(frozen, new))
    return Statistics(*map(sealed, covariance.blend(*both, step_size)))


def scaled(statistics: Statistics, share: float) -> Statistics:
    """The statistics of a share of the mass."""
    return Statistics(frozen(share * statistics.mass), statistics.mean, frozen(share * statistics.scatter))
