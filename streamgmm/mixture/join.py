"""Two components as one: the mass, the mean and the scatter that both together have.

    m = m_i + m_j,    c = (m_i c_i + m_j c_j) / m,    S = S_i + S_j + (m_i m_j / m) (c_i - c_j)(c_i - c_j)^T

The general formula of Chan, Golub and LeVeque (1979). Sums are what statistics are, so nothing of what was learnt is
lost. Of averaged statistics the same holds.
"""

import numpy as np

from streamgmm.mixture.arrays import frozen
from streamgmm.mixture.average import Average
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.statistics import Statistics


def joined(statistics: Statistics, gone: int, into: int, covariance: Covariance) -> Statistics:
    """The statistics in which the component at place `into` has taken in the one at `gone`, which holds nothing."""
    mass, mean = statistics.mass.copy(), statistics.mean.copy()
    together = mass[gone] + mass[into]
    share = mass[gone] / together if together > 0 else 0.0
    shift = np.zeros_like(mean)
    shift[into] = mean[gone] - mean[into]
    between = np.zeros_like(mass)
    between[into] = mass[into] * share
    mean[into] += share * shift[into]
    mass[gone], mass[into] = 0.0, together
    scatter = covariance.hand_over(statistics.scatter, gone, into) + covariance.outer(between, shift)
    return Statistics(frozen(mass), frozen(mean), frozen(scatter))


def joined_average(average: Average | None, gone: int, into: int, covariance: Covariance) -> Average | None:
    """The average with the same two joined in both of its blocks."""
    if average is None:
        return None
    earlier = None if average.earlier is None else joined(average.earlier, gone, into, covariance)
    return average._replace(recent=joined(average.recent, gone, into, covariance), earlier=earlier)
