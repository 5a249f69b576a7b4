"""Whether values fall in two: a histogram with a valley between two peaks.

A peak's count is the smaller one of the highest to the left and to the right of a bin; the valley is the bin that lies
deepest below its peak, in standard errors of a difference of two counts (Poisson):

    z = (peak - low) / sqrt(peak + low)

What Hartigan and Hartigan (1985) ask of a sorted sample, asked of counts. Two Gaussians of equal spread have a valley
once their means are more than two standard deviations apart; one that is skewed, flat or heavy-tailed has none. So what
is asked for is a valley, and not a shape that is not normal.
"""

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.cut import Sides

REACH = 4.0  # standard deviations to either side; what lies beyond is counted in the last bin
BINS = 40
DEPTH = 0.7  # of the peak at most: two equal Gaussians of equal spread that are 2.9 standard deviations apart
CERTAINTY = 6.0  # standard errors
LEAST_SHARE = 0.05  # of the smaller side
_MIDDLES = (np.arange(BINS) + 0.5) * (2 * REACH / BINS) - REACH


def valley(counts: Array, squares: float) -> Sides | None:
    """The smaller side of a histogram (b,) that has a valley; None for one that has none.

    `squares` is the sum of the squares of the weights that were counted.
    """
    total = counts.sum()
    smooth = counts + np.append(counts[1:], 0.0) + np.append(0.0, counts[:-1])
    rising, falling = np.maximum.accumulate(smooth), np.maximum.accumulate(smooth[::-1])[::-1]
    peak = np.minimum(rising, falling)
    deviations = np.sqrt(np.maximum((peak + smooth) * squares / total, np.finfo(float).tiny))
    depth = np.where(smooth <= DEPTH * peak, (peak - smooth) / deviations, 0.0)
    lowest = int(depth.argmax())
    if depth[lowest] < CERTAINTY:
        return None
    left = counts * np.clip(lowest + 0.5 - np.arange(BINS), 0.0, 1.0)
    return _smaller(left, counts - left)


def _smaller(left: Array, right: Array) -> Sides | None:
    side = left if left.sum() <= right.sum() else right
    both = left + right
    centre = both @ _MIDDLES / both.sum()
    deviation = np.sqrt(both @ np.square(_MIDDLES - centre) / both.sum())
    share = float(side.sum() / both.sum())
    at = (side @ _MIDDLES / side.sum() - centre) / deviation if share >= LEAST_SHARE else 0.0
    return Sides(share, float(at)) if share >= LEAST_SHARE else None
