"""What is usual: the distribution of a frozen model's own scores, on vectors that it has not learnt.

Scores come in windows of a fixed number of vectors, cut by position. A window's mean is near normal whatever the
scores are, and the variance of the means carries what serial correlation there is inside a window.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Calibration(NamedTuple):
    """What has been seen of the scores so far."""

    windows: int
    mean: float  # of the windows' means
    squares: float  # sum of squared deviations of the windows' means
    lowest: Array  # (m,) ascending: the lowest scores, as many as the outlier quantile needs


class Usual(NamedTuple):
    """What is usual, once enough has been seen."""

    mean: float  # of a window's mean score, nats
    deviation: float  # standard deviation of a window's mean score, nats
    outlier_below: float  # a score below this is rarer than the outlier quantile


def init() -> Calibration:
    """Nothing seen yet."""
    return Calibration(0, 0.0, 0.0, _frozen(np.empty(0)))


def update(calibration: Calibration, scores: Array, *, keep: int) -> Calibration:
    """Take in one window's scores (w,), remembering the `keep` lowest. Source of the sums: Welford 1962."""
    windows, value = calibration.windows + 1, float(scores.mean())
    mean = calibration.mean + (value - calibration.mean) / windows
    squares = calibration.squares + (value - calibration.mean) * (value - mean)
    lowest = np.sort(np.concatenate([calibration.lowest, scores]))[:keep]
    return Calibration(windows, mean, squares, _frozen(lowest))


def usual(calibration: Calibration) -> Usual:
    """What the windows seen (at least two) say is usual; the deviation is never zero."""
    variance = calibration.squares / (calibration.windows - 1)
    smallest = 1e-9 * (1 + abs(calibration.mean))
    return Usual(calibration.mean, max(float(np.sqrt(variance)), smallest), float(calibration.lowest[-1]))


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array
