"""The M-step that comes next: when, and how much it replaces. It follows from the clock alone, whatever the vectors."""

from typing import NamedTuple, Protocol

from streamgmm.mixture import effective_size
from streamgmm.mixture.event_time import later, passed
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.step_size import step_size


class Clock(Protocol):
    """What a state, or an M-step that is due, knows of its place in the stream."""

    @property
    def time(self) -> float:
        """Weight learnt / batch_size."""

    @property
    def event_time(self) -> float | None:
        """Seconds, the largest learnt; None before any was given."""

    @property
    def effective_sample_size(self) -> float:
        """Vectors of equal weight that would say as much as the statistics."""


class Due(NamedTuple):
    """An M-step, and the clock after it."""

    time: float
    event_time: float | None
    effective_sample_size: float
    step_size: float


def due(clock: Clock, weight: float, squares: float, event_time: float | None, learning: Learning) -> Due:
    """The M-step that learns vectors of this weight, whose squares sum to `squares`, the latest of that event time."""
    time, latest = clock.time + weight / learning.batch_size, later(clock.event_time, event_time)
    eta = step_size(
        clock.time,
        time,
        exponent=learning.exponent,
        delay=learning.delay,
        half_life=learning.half_life,
        seconds=min(passed(clock.event_time, latest), learning.max_gap),
    )
    size = effective_size.blended(clock.effective_sample_size, eta, weight, squares)
    return Due(time, latest, min(size, learning.most_vectors), eta)
