"""Two learners that scored different vectors under the same model, added up.

What waits to be learnt adds exactly, because both E-steps used the same parameters; the M-step that follows is then
that of one learner that scored all of it. Associative and commutative up to rounding.
"""

from functools import partial

import numpy as np

from streamgmm.mixture import gaussian, pending
from streamgmm.mixture.event_time import later
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.parameters import shape_of
from streamgmm.mixture.state import State
from streamgmm.mixture.sums import joined

_ONES_OWN = {"pending", "event_time", "lookout"}  # may differ


def merge(one: State, other: State, learning: Learning) -> State:
    """The state in which the pending vectors of both wait to be learnt. What looks out for splits stays the first's.

    Raises ValueError where the two differ in more than that (parameters, statistics, averages, the background's
    weight): what was learnt under different models does not add up.
    """
    if not _same_model(one, other):
        raise ValueError(
            f"the states have learnt {one.steps} and {other.steps} steps to different models; "
            "merge states that were copied from one and have only scored since"
        )
    kernel, model = learning.covariance.kernel, partial(gaussian.model, one.parameters, learning.covariance)
    sums = joined(pending.close(one.pending, model, kernel), pending.close(other.pending, model, kernel))
    both = pending.nothing(shape_of(one.parameters), kernel)._replace(
        sums=sums,
        squares=one.pending.squares + other.pending.squares,
        background=one.pending.background + other.pending.background,
    )
    return one._replace(pending=both, event_time=later(one.event_time, other.event_time))


def _same_model(one: State, other: State) -> bool:
    """Whether nothing differs but what the vectors since the last M-step have left."""
    return all(_equal(getattr(one, name), getattr(other, name)) for name in {*State._fields} - _ONES_OWN)


def _equal(one: object, other: object) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_equal, one, other))
    return np.array_equal(one, other)  # type: ignore[arg-type]
