"""Sufficient statistics, centred: the expected mass, mean and scatter of each component.

Raw second moments lose every digit of a variance once the data lie 1e7 standard deviations from the origin; scatter
about the component's own mean does not.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.moments import Sums


class Statistics(NamedTuple):
    """Per vector of weight one."""

    mass: Array  # (k,) sums to 1, less the weight of the background where there is one
    mean: Array  # (k, d)
    scatter: Array  # by covariance type, about `mean`, not divided by the mass


def of_sums(sums: Sums, means: Array, covariance: Covariance) -> Statistics:
    """What the sums say per unit of weight. A component without mass gets its place from `means` (k, d)."""
    mean = np.where(sums.mass[:, None] > 0, sums.mean, means)
    return Statistics(
        frozen(sums.mass / sums.weight),
        frozen(mean),
        frozen(covariance.of_sums(sums.scatter) / sums.weight),
    )


def blend(old: Statistics, new: Statistics, step_size: float, covariance: Covariance) -> Statistics:
    """(1 - step_size) old + step_size new, about the blended means: exact, and positive definite by construction.

    A component that neither side has seen keeps its old values.
    """
    kept, gained = (1 - step_size) * old.mass, step_size * new.mass
    mass = kept + gained
    share = np.divide(gained, mass, out=np.zeros_like(mass), where=mass > 0)
    shift = new.mean - old.mean
    between = covariance.outer(kept * share, shift)
    return Statistics(
        frozen(mass),
        frozen(old.mean + share[:, None] * shift),
        frozen((1 - step_size) * old.scatter + step_size * new.scatter + between),
    )


def scaled(statistics: Statistics, share: float) -> Statistics:
    """The statistics of a share of the mass."""
    return Statistics(frozen(share * statistics.mass), statistics.mean, frozen(share * statistics.scatter))
