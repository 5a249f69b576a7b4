"""How often each record of one input partition was published: a byte an offset, no object a record."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.records.columns import Int64

_Counts = NDArray[np.uint8]
_Mask = NDArray[np.bool_]
_MOST = 255  # counts stop here


class Verdict(NamedTuple):
    """What it comes to for one partition: numbers of records, and the offsets of those that must not be."""

    input: int  # records that the input still holds
    assigned: int
    dead_lettered: int
    waiting: int  # in the warm-up's buffer, not yet assigned
    skipped: int  # left out on purpose, as events say
    not_in_input: int  # published, but the input holds them no longer (compaction)
    missing: Int64  # (m,) offsets
    duplicated: Int64  # (d,) offsets


class Tally:
    """Counts over the offsets `first` to `stop` (exclusive). What lies outside is not counted."""

    def __init__(self, first: int, stop: int) -> None:
        n = max(0, stop - first)
        self.first, self.stop = first, first + n
        self._present: _Mask = np.zeros(n, np.bool_)
        self._waiting: _Mask = np.zeros(n, np.bool_)
        self._skipped: _Mask = np.zeros(n, np.bool_)
        self._assigned: _Counts = np.zeros(n, np.uint8)
        self._dead: _Counts = np.zeros(n, np.uint8)

    def read(self, offsets: Int64) -> None:
        """The input holds these records."""
        self._present[self._within(offsets)] = True

    def assigned(self, offsets: Int64) -> None:
        """Assignments stand for these."""
        _count(self._assigned, self._within(offsets))

    def dead_lettered(self, offsets: Int64) -> None:
        """Dead letters stand for these."""
        _count(self._dead, self._within(offsets))

    def wait(self, start: int, stop: int) -> None:
        """A warm-up has buffered these: they need not be published yet."""
        self._waiting[self._span(start, stop)] = True

    def skip(self, start: int, stop: int) -> None:
        """An event says that these were left out."""
        self._skipped[self._span(start, stop)] = True

    def verdict(self) -> Verdict:
        """The sum of it."""
        times = np.minimum(self._assigned, 2) + np.minimum(self._dead, 2)
        open_ = self._present & (times == 0)
        waiting, skipped = open_ & self._waiting, open_ & self._skipped & ~self._waiting
        return Verdict(
            input=int(np.count_nonzero(self._present)),
            assigned=int(np.count_nonzero(self._assigned)),
            dead_lettered=int(np.count_nonzero(self._dead)),
            waiting=int(np.count_nonzero(waiting)),
            skipped=int(np.count_nonzero(skipped)),
            not_in_input=int(np.count_nonzero((times > 0) & ~self._present)),
            missing=np.flatnonzero(open_ & ~waiting & ~skipped) + self.first,
            duplicated=np.flatnonzero(times > 1) + self.first,
        )

    def _within(self, offsets: Int64) -> Int64:
        return offsets[(offsets >= self.first) & (offsets < self.stop)] - self.first

    def _span(self, start: int, stop: int) -> slice:
        return slice(max(0, start - self.first), max(0, stop - self.first))


def _count(counts: _Counts, places: Int64) -> None:
    where, times = np.unique(places, return_counts=True)
    counts[where] = np.minimum(counts[where] + times, _MOST)
