"""Components that hold too few vectors to have a covariance of their own.

The effective count of a component is its mass times the effective sample size. Below d + 1 vectors a covariance has
directions that nothing was seen in; so where it is formed, what is missing up to d + 1 is borrowed from the pooled
covariance within components. Like regularisation this never enters the statistics. Nothing is borrowed across a shared
covariance (tied).
"""

from typing import Literal, NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.statistics import Statistics

DEAD_BELOW = 1.0  # vectors: less than one is nothing that was seen


class Change(NamedTuple):
    """What happened to a component in an M-step.

    weakened: it began to borrow; recovered: it no longer does; died: it holds less than one vector; respawned: dead, it
    was put elsewhere, where `parent` lies; split: its place, dead or vacant, has one side of `parent`; merged: it was
    taken in by `parent`, and its place is vacant.
    """

    kind: Literal["weakened", "recovered", "died", "respawned", "split", "merged"]
    component: int  # index
    parent: int | None = None  # index

    @property
    def is_birth(self) -> bool:
        """Whether a new component is in this place."""
        return self.kind in {"respawned", "split"}


def fewest(statistics: Statistics, effective_sample_size: float) -> float:
    """The smallest effective count."""
    return float(min(statistics.mass.tolist()) * effective_sample_size)


def counts(statistics: Statistics, effective_sample_size: float) -> Array:
    """Effective count of each component (k,)."""
    return statistics.mass * effective_sample_size


def count(statistics: Statistics, effective_sample_size: float) -> int:
    """How many components borrow; a vacant place holds none."""
    if fewest(statistics, effective_sample_size) >= needed(statistics):
        return 0
    few = counts(statistics, effective_sample_size) < needed(statistics)
    return int((few & (statistics.mass > 0)).sum())


def needed(statistics: Statistics) -> int:
    """Vectors that a covariance needs: d + 1."""
    return int(statistics.mean.shape[1]) + 1


def lean(statistics: Statistics, effective_sample_size: float, covariance: Covariance) -> Statistics:
    """The statistics as the M-step shall see them."""
    if fewest(statistics, effective_sample_size) >= needed(statistics):
        return statistics
    lacking = needed(statistics) - counts(statistics, effective_sample_size)
    prior = np.maximum(lacking, 0.0) / effective_sample_size
    return statistics._replace(scatter=frozen(covariance.lean_on_pool(statistics.scatter, statistics.mass, prior)))


def changes(before: Array, after: Array, needed: int) -> tuple[Change, ...]:
    """What the step from effective counts (k,) to others means, component by component."""
    found: list[Change] = []
    for k, (old, new) in enumerate(zip(before.tolist(), after.tolist(), strict=True)):
        if new < DEAD_BELOW <= old:
            found.append(Change("died", k))
        elif new < needed <= old:
            found.append(Change("weakened", k))
        elif old < needed <= new:
            found.append(Change("recovered", k))
    return tuple(found)
