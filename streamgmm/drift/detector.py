"""Detectors of a change in a stream of numbers, one number at a time: `ewma`, `cusum`, `windows`.

    state = detector.init()
    state, info = detector.update(state, value)

A state is a value; nothing in it clears itself. `risen` counts how often the statistic has come above its limit, so
who looks late misses nothing, and `above` stands for as long as it is there. After an alarm a detector goes on; who
wants it to begin anew takes `init()`.

The service's alarm does not use these: it watches hundreds of numbers at once, and its limits hold for all of them
together (`bank`, `calibration`). These are for a number of your own.
"""

import math
from typing import NamedTuple, Protocol, TypeVar

State = TypeVar("State")


class Info(NamedTuple):
    """What a detector says of the newest value."""

    statistic: float  # 0 or above
    limit: float
    direction: int  # of what is farthest: 1 up, -1 down, 0 neither
    rose: bool  # with this value


class Level(NamedTuple):
    """Where a detector's statistic stands to its limit."""

    above: bool = False
    risen: int = 0


class Detector(Protocol[State]):
    """What all detectors have in common."""

    def init(self) -> State:
        """Nothing seen yet."""

    def update(self, state: State, value: float) -> tuple[State, Info]:
        """Take in a value. Raises ValueError for one that is not finite."""


def finite(value: float) -> float:
    """The value, a plain float. Raises ValueError where it is not finite: a detector would never come back from it."""
    if not math.isfinite(value):
        raise ValueError(f"a detector was given {value}; leave out what is not finite")
    return float(value)


def judged(before: Level, statistic: float, limit: float, direction: int) -> tuple[Level, Info]:
    """The level after a statistic, and what is said of it."""
    above = statistic > limit
    rose = above and not before.above
    return Level(above, before.risen + rose), Info(statistic, limit, direction, rose)


def positive(name: str, value: float) -> float:
    """The value. Raises ValueError where it is not above 0 and finite."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value}; it must be above 0 and finite")
    return value
