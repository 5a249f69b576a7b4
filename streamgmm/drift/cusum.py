"""Cumulative sums both ways (Page 1954): the fastest there is for a change of about twice the allowance.

    up <- max(0, up + x - allowance),   down <- max(0, down - x - allowance),   statistic = the larger

Values are standardised: mean 0 and variance 1 where nothing changes. With allowance .5 and limit 5 independent normal
values give a false alarm every 465, and a mean that moves by 1 is found after 10 (Montgomery, "Introduction to
Statistical Quality Control", section 9.1). Page-Hinkley against a fixed mean is this.
"""

from typing import NamedTuple

from streamgmm.drift.detector import Info, Level, finite, judged, positive


class State(NamedTuple):
    """What the next value needs."""

    up: float = 0.0
    down: float = 0.0
    level: Level = Level()


class Cusum(NamedTuple):
    """The detector; `allowance` and `limit` in standard deviations of a value."""

    allowance: float  # what a value may lie off without adding up
    limit: float

    def init(self) -> State:
        """Nothing seen yet. Raises ValueError for a negative allowance, or a limit that is not above 0."""
        if not self.allowance >= 0:
            raise ValueError(f"allowance is {self.allowance}; it must be 0 or above")
        positive("limit", self.limit)
        return State()

    def update(self, state: State, value: float) -> tuple[State, Info]:
        """See `detector`."""
        value = finite(value)
        up = max(0.0, state.up + value - self.allowance)
        down = max(0.0, state.down - value - self.allowance)
        level, info = judged(state.level, max(up, down), self.limit, (up > down) - (up < down))
        return State(up, down, level), info
