"""Statistics averaged over the stream's tail (Polyak and Juditsky 1992, Ruppert 1988).

Raw statistics follow the last batches and carry their noise; their average over many batches does not. An average
over everything would carry the start instead, for ever. So batches are gathered in blocks of 1, 2, 4, 8 and so on, and
the last two blocks are kept: between a half and three quarters of the stream, and what the start said leaves by itself.
A batch counts by the vectors of equal weight that would say as much as it does, so calls of any size average alike,
and whatever unit the weights have.

The expected statistics of a mixture are raw moments, of which an average is the blend of `statistics`.
"""

from typing import NamedTuple

from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.statistics import Statistics, blend


class Average(NamedTuple):
    """Two blocks; time is in batches, counted by vectors: of equal weight, those that would say as much."""

    recent: Statistics  # the mean over the block that is being filled
    recent_time: float
    length: float  # of that block when it is full
    earlier: Statistics | None = None  # the mean over the block before
    earlier_time: float = 0.0


def extended(average: Average | None, statistics: Statistics, time: float, covariance: Covariance) -> Average:
    """The average with the statistics after an M-step that learnt for so much time; None is an average of nothing.

    What is too light for time to pass counts for nothing.
    """
    if average is None:
        return Average(statistics, time, length=1.0)
    if average.recent_time >= average.length:
        return Average(statistics, time, 2 * average.length, average.recent, average.recent_time)
    total = average.recent_time + time
    if total == 0:
        return average
    recent = blend(average.recent, statistics, time / total, covariance)
    return average._replace(recent=recent, recent_time=total)


def since_it_began(average: Average) -> float:
    """Batches learnt since then: in both blocks, and in those before them."""
    before = average.length / 2 - 1 if average.earlier is not None else 0.0
    return before + average.earlier_time + average.recent_time


def over_both(average: Average, covariance: Covariance) -> Statistics:
    """The mean over both blocks."""
    if average.earlier is None:
        return average.recent
    share = average.recent_time / (average.earlier_time + average.recent_time)
    return blend(average.earlier, average.recent, share, covariance)
