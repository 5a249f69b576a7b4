"""After each blend: what became of the components, and dead ones by their policy."""

import numpy as np

from streamgmm.mixture import weak
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.revive import Scene, revive
from streamgmm.mixture.state import State
from streamgmm.mixture.statistics import Statistics
from streamgmm.mixture.weak import Change


def look_after(
    state: State, statistics: Statistics, size: float, learning: Learning
) -> tuple[Statistics, tuple[Change, ...]]:
    """The statistics after the policy for dead components, and what became of any component in the step from `state`.

    `size` is the effective sample size of the statistics.
    """
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
