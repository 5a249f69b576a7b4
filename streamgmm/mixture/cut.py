"""A component cut in two along a line: mass, mean and scatter of both together are what they were.

With a share q on one side, the sides lie at a and b standard deviations from the mean (q a + (1 - q) b = 0) along a
vector v as long as one, and each has the covariance Sigma - (q a^2 + (1 - q) b^2) v v^T.
"""

import math
from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.statistics import Statistics

_MOST = 0.95  # of the variance that may lie between the sides: so each stays positive definite


class Sides(NamedTuple):
    """How a component falls in two: one side of it, in standard deviations from its mean; the other side follows."""

    share: float  # of the side that becomes a new component
    at: float  # standard deviations


class Cut(NamedTuple):
    """Which component, along what, and where the new one goes."""

    parent: int  # place
    child: int  # place
    along: Array  # (d,) as long as a standard deviation
    sides: Sides


def cut(mass: Array, mean: Array, spread: Array, how: Cut, covariance: Covariance) -> Statistics:
    """Statistics of components of mass (k,), mean (k, d) and covariances by type, of which one is cut.

    What mass the child's place held before is not looked at, nor counted.
    """
    share, parent, child = how.sides.share, how.parent, how.child
    mass = np.where(np.arange(len(mass)) == child, 0.0, mass)
    opposite = -share * how.sides.at / (1 - share)
    between = share * how.sides.at**2 + (1 - share) * opposite**2
    at_most = min(1.0, math.sqrt(_MOST / between)) if between > 0 else 1.0
    shift = np.zeros_like(mean)
    shift[parent] = at_most * math.sqrt(between) * how.along
    own = np.where(np.arange(len(mass)) == parent, mass, 0.0)
    spread = covariance.form(covariance.unform(spread, mass) - covariance.outer(own, shift), mass)
    means, masses = mean.copy(), mass.copy()
    means[child] = mean[parent] + at_most * how.sides.at * how.along
    means[parent] = mean[parent] + at_most * opposite * how.along
    masses[child], masses[parent] = share * mass[parent], (1 - share) * mass[parent]
    spread = covariance.hand_down(spread, parent, child)
    return Statistics(frozen(masses), frozen(means), frozen(covariance.unform(spread, masses)))
