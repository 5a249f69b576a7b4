"""After each blend: what became of the components, and dead ones by their policy; what has become one, or two."""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture import lookout, weak
from streamgmm.mixture.average import Average
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.lookout import Lookout
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.revive import Scene, revive
from streamgmm.mixture.state import State
from streamgmm.mixture.statistics import Statistics
from streamgmm.mixture.weak import Change


class LookedAfter(NamedTuple):
    """What the M-step goes on with."""

    statistics: Statistics
    last: Parameters  # those that the batch was scored by; a place that has become vacant has no weight in them
    average: Average | None
    lookout: Lookout | None
    changes: tuple[Change, ...] = ()


def look_after(state: State, statistics: Statistics, size: float, learning: Learning) -> LookedAfter:
    """The statistics after the policy for dead components and a check, and what became of any component.

    `size` is the effective sample size of the statistics.
    """
    statistics, changes = _after_policy(state, statistics, size, learning)
    born = [change.component for change in changes if change.is_birth]
    average = None if born else state.average
    watching = lookout.as_asked(state.lookout, statistics, learning)
    if watching is None:
        return LookedAfter(statistics, state.parameters, average, None, changes)
    if born:
        watching = lookout.reborn(watching, born, statistics, learning.covariance)
    scene = lookout.Scene(statistics, state.parameters, average, size, watching, changes)
    if (state.steps + 1) % lookout.EVERY == 0:
        scene = lookout.check(scene, learning)
    return LookedAfter(scene.statistics, scene.last, scene.average, scene.lookout, scene.changes)


def _after_policy(
    state: State, statistics: Statistics, size: float, learning: Learning
) -> tuple[Statistics, tuple[Change, ...]]:
    """The statistics after the policy for dead components, and what became of any in the step from `state`."""
    sides = (state.statistics, state.effective_sample_size), (statistics, size)
    if min(weak.fewest(*side) for side in sides) >= weak.needed(statistics):
        return statistics, ()
    before, after = (weak.counts(*side) for side in sides)
    changes = weak.changes(before, after, weak.needed(statistics))
    if learning.dead_components is None or after.min() >= weak.DEAD_BELOW:
        return statistics, changes
    generator = np.random.default_rng([learning.random_state, state.steps])
    scene = Scene(statistics, state.parameters, size, learning.covariance, generator)
    statistics, revived = revive(scene, learning.dead_components)
    return statistics, changes + revived
