"""An exponentially weighted moving average (Roberts 1959): best for small changes that stay.

    m <- m + rate (x - m),   statistic = |m| / sqrt(rate / (2 - rate))

Values are standardised: mean 0 and variance 1 where nothing changes. With rate .1 and limit 2.814 independent normal
values give a false alarm every 500, and a mean that moves by 1 is found after 10 (Lucas and Saccucci 1990).
"""

import math
from typing import NamedTuple

from streamgmm.drift.detector import Info, Level, finite, judged, positive


class State(NamedTuple):
    """What the next value needs."""

    mean: float = 0.0
    level: Level = Level()


class Ewma(NamedTuple):
    """The detector; `limit` in standard deviations of the average."""

    rate: float  # weight of the newest value
    limit: float

    def init(self) -> State:
        """Nothing seen yet. Raises ValueError for a rate outside 0 to 1, or a limit that is not above 0."""
        if positive("rate", self.rate) > 1:
            raise ValueError(f"rate is {self.rate}; it must be above 0 and at most 1")
        positive("limit", self.limit)
        return State()

    def update(self, state: State, value: float) -> tuple[State, Info]:
        """See `detector`."""
        mean = state.mean + self.rate * (finite(value) - state.mean)
        statistic = abs(mean) / math.sqrt(self.rate / (2 - self.rate))
        level, info = judged(state.level, statistic, self.limit, (mean > 0) - (mean < 0))
        return State(mean, level), info
