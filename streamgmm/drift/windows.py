"""A window that is as long as nothing changes (ADWIN2, Bifet and Gavalda 2007): it needs to know no mean beforehand.

The window is cut in two at every place where its summary allows; where the means of the two sides, of n_0 and n_1
values, differ by more than chance does, the older side is let go. With 1/m = 1/n_0 + 1/n_1 and variance v the most that
chance does is

    sqrt(2 v log(2 / p) / m) + 2 span log(2 / p) / (3 m),   p = confidence / log(n_0 + n_1)

which is sound for values in an interval of length `span` (Bernstein). The window is kept as sums over 1, 2, 4, 8 and so
on values, at most `SAME` of a size: its memory grows with the logarithm of its length.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from streamgmm.drift.detector import Info, Level, finite, positive

SAME = 5  # buckets of a size
_FEWEST = 5  # values on each side of a cut


class Bucket(NamedTuple):
    """Values side by side."""

    size: int = 0
    mean: float = 0.0
    squares: float = 0.0  # sum of squared distances from their mean


class State(NamedTuple):
    """What the next value needs."""

    buckets: tuple[Bucket, ...] = ()  # newest first
    level: Level = Level()


class Windows(NamedTuple):
    """The detector; `above` stands from the first change on, since what was before has been let go."""

    confidence: float = 0.002  # how often at most chance cuts a window
    span: float = 1.0  # of the values: largest less smallest

    def init(self) -> State:
        """Nothing seen yet. Raises ValueError for a confidence outside 0 to 1, or a span that is not above 0."""
        if positive("confidence", self.confidence) >= 1:
            raise ValueError(f"confidence is {self.confidence}; it must be above 0 and below 1")
        positive("span", self.span)
        return State()

    def update(self, state: State, value: float) -> tuple[State, Info]:
        """See `detector`; the statistic is the largest difference of two sides' means, the limit is at that cut."""
        buckets = _compressed((Bucket(1, finite(value)), *state.buckets))
        first, kept = Info(0.0, math.inf, 0, rose=False), self._furthest(buckets)
        found, at = kept
        if found.statistic <= found.limit:
            return State(buckets, state.level), found
        while found.statistic > found.limit:
            first, buckets = found if first.limit == math.inf else first, buckets[:at]
            found, at = self._furthest(buckets)
        return State(buckets, Level(above=True, risen=state.level.risen + 1)), first._replace(rose=True)

    def _furthest(self, buckets: tuple[Bucket, ...]) -> tuple[Info, int]:
        """The cut whose difference is the largest share of its limit, and its place."""
        whole = _together(buckets)
        cuts = [
            (Info(abs(new.mean - old.mean), self._limit(new, old, whole), (new.mean > old.mean) * 2 - 1, False), at)
            for new, old, at in _cuts(buckets, whole)
            if min(new.size, old.size) >= _FEWEST
        ]
        return max(cuts, key=lambda cut: cut[0].statistic / cut[0].limit, default=(Info(0.0, math.inf, 0, False), 0))

    def _limit(self, new: Bucket, old: Bucket, whole: Bucket) -> float:
        doubt = math.log(2 * math.log(whole.size) / self.confidence)
        per_value = 1 / new.size + 1 / old.size
        return math.sqrt(2 * whole.squares / whole.size * doubt * per_value) + 2 / 3 * self.span * doubt * per_value


def _cuts(buckets: tuple[Bucket, ...], whole: Bucket) -> Iterator[tuple[Bucket, Bucket, int]]:
    """Both sides of the cut before each bucket but the first, and its place."""
    new = Bucket()
    for at, bucket in enumerate(buckets[:-1], 1):
        new = _joined(new, bucket)
        rest = whole.size - new.size
        yield new, Bucket(rest, (whole.size * whole.mean - new.size * new.mean) / rest), at


def _compressed(buckets: tuple[Bucket, ...]) -> tuple[Bucket, ...]:
    """At most `SAME` of a size: the two oldest of a size become one of the next."""
    kept = list(buckets)
    start = 0
    while start < len(kept):
        size = kept[start].size
        stop = start + sum(bucket.size == size for bucket in kept[start:])
        if stop - start <= SAME:
            break  # what is older was in order before
        kept[stop - 2 : stop] = [_joined(kept[stop - 2], kept[stop - 1])]
        start = stop - 2
    return tuple(kept)


def _together(buckets: tuple[Bucket, ...]) -> Bucket:
    whole = Bucket()
    for bucket in buckets:
        whole = _joined(whole, bucket)
    return whole


def _joined(one: Bucket, other: Bucket) -> Bucket:
    count, away = one.size + other.size, other.mean - one.mean
    mean = one.mean + away * other.size / count
    return Bucket(count, mean, one.squares + other.squares + away * away * one.size * other.size / count)
