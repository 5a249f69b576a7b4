"""What becomes of a component that holds less than one vector: a policy, chosen by name once.

| policy | a dead component |
| --- | --- |
| keep | keeps its place, and waits |
| respawn | goes to a place drawn from the mixture, with the covariance of the component that lies there, and as many
vectors' worth of mass as a covariance needs, taken from all |
| split | becomes one half of the largest component, which is cut along its first principal axis: the halves lie half a
standard deviation to either side, and mass, mean and scatter of both together are what they were |

A policy works on the statistics, so the M-step forms the new component like any other. A component that has too few
vectors for two is not split.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from streamgmm.mixture import bounds
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.cut import Cut, Sides, cut
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.sampling import sample
from streamgmm.mixture.statistics import Statistics
from streamgmm.mixture.vacancy import vacant
from streamgmm.mixture.weak import DEAD_BELOW, Change, counts, needed

_HALF = Sides(share=0.5, at=-0.5)


class Scene(NamedTuple):
    """What a policy looks at."""

    statistics: Statistics
    last: Parameters
    effective_sample_size: float
    covariance: Covariance
    generator: np.random.Generator


Policy = Callable[[Scene, int], tuple[Statistics, Change] | None]  # None: the component stays as it is


def keep(scene: Scene, dead: int) -> None:
    """Nothing changes."""


def respawn(scene: Scene, dead: int) -> tuple[Statistics, Change] | None:
    """Put the component to a place drawn from the mixture as it was."""
    place, component = sample(scene.last, 1, scene.covariance, scene.generator)
    parent, statistics = int(component[0]), scene.statistics
    if parent == dead:
        return None
    share = min(needed(statistics) / scene.effective_sample_size, 1 / (len(statistics.mass) + 1))
    total = statistics.mass.sum()
    spread = scene.covariance.form(statistics.scatter, statistics.mass)
    mass = _without(statistics.mass, dead) * (1 - share)
    mass[dead] = share * total
    mean = statistics.mean.copy()
    mean[dead] = place[0]
    spread = scene.covariance.hand_down(spread, parent, dead)
    return _formed(mass, mean, spread, scene.covariance), Change("respawned", dead, parent)


def split(scene: Scene, dead: int) -> tuple[Statistics, Change] | None:
    """Make the component one half of the largest."""
    statistics, covariance = scene.statistics, scene.covariance
    mass = _without(statistics.mass, dead)
    parent = int(mass.argmax())
    if mass[parent] * scene.effective_sample_size < 2 * needed(statistics):
        return None
    spread = covariance.form(statistics.scatter, statistics.mass)
    along = covariance.axis(spread, parent, statistics.mean.shape[1])
    halves = cut(mass, statistics.mean, spread, Cut(parent, dead, along, _HALF), covariance)
    return halves, Change("split", dead, parent)


_BY_NAME: Mapping[str, Policy] = {"keep": keep, "respawn": respawn, "split": split}


def by_name(name: str) -> Policy:
    """The policy of that name. Raises ValueError for a name that is none."""
    return bounds.option("dead_components", name, _BY_NAME)


def revive(scene: Scene, policy: Policy) -> tuple[Statistics, tuple[Change, ...]]:
    """The statistics after the policy was asked about each dead component, in order; vacant places stay vacant."""
    found, dead = [], counts(scene.statistics, scene.effective_sample_size) < DEAD_BELOW
    for k in np.flatnonzero(dead & ~vacant(scene.last.weights)).tolist():
        answer = policy(scene, k)
        if answer is not None:
            scene = scene._replace(statistics=answer[0])
            found.append(answer[1])
    return scene.statistics, tuple(found)


def _without(mass: Array, dead: int) -> Array:
    """The mass as if the component had none; the others share its."""
    rest = mass.copy()
    rest[dead] = 0.0
    return np.asarray(rest * (mass.sum() / rest.sum()))


def _formed(mass: Array, mean: Array, spread: Array, covariance: Covariance) -> Statistics:
    return Statistics(frozen(mass), frozen(mean), frozen(covariance.unform(spread, mass)))
