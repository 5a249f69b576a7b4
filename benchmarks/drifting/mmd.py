"""Online maximum mean discrepancy, a kernel two-sample test on a window that slides (Gretton et al. 2012).

    MMD^2 = mean k(x, x') over the reference + mean k(w, w') over the window - 2 mean k(x, w)

with a Gaussian kernel whose scale is the median distance in the reference, and pairs of one vector with itself left
out. That is what alibi-detect's `MMDDriftOnline` computes; its threshold, from bootstraps, is measured here as that of
the other peers is.
"""

import numba
import numpy as np

from streamgmm.mixture.arrays import Array

WINDOW = 50
_FEW = 400  # of the reference, for the median


def mmd(signals: Array, threshold: float, start: int, seed: int, reference: Array) -> int:
    """Row of the first alarm of signals (n, s) against a reference (m, s), n if there is none."""
    return int(_mmd(np.ascontiguousarray(signals), threshold, start, reference, _scale(reference)))


def _scale(reference: Array) -> float:
    few = reference[:_FEW]
    squares = ((few[:, None] - few[None]) ** 2).sum(axis=2)
    return float(np.median(squares[np.triu_indices(len(few), 1)]))


@numba.njit(cache=True)
def _kernel(one: Array, other: Array, scale: float) -> float:
    total = 0.0
    for i in range(len(one)):
        total += (one[i] - other[i]) ** 2
    return np.exp(-total / scale)


@numba.njit(cache=True)
def _mmd(signals: Array, threshold: float, start: int, reference: Array, scale: float) -> int:
    m, n = len(reference), len(signals)
    among = 0.0
    for i in range(m):
        for j in range(i):
            among += 2.0 * _kernel(reference[i], reference[j], scale)
    among /= m * (m - 1)
    cross, first, beside, within = np.zeros(n), 0, 0.0, 0.0
    for t in range(n):
        for i in range(m):
            cross[t] += _kernel(signals[t], reference[i], scale) / m
        beside += cross[t]
        for j in range(max(first, t - WINDOW + 1), t):
            within += 2.0 * _kernel(signals[t], signals[j], scale)
        if t - first + 1 > WINDOW:
            out = t - WINDOW
            beside -= cross[out]
            for j in range(out + 1, t):
                within -= 2.0 * _kernel(signals[out], signals[j], scale)
        if t - first + 1 >= WINDOW and among + within / (WINDOW * (WINDOW - 1)) - 2.0 * beside / WINDOW > threshold:
            if t >= start:
                return t
            first, beside, within = t + 1, 0.0, 0.0
    return n
