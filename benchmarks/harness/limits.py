"""The least time that a pass can take on this machine, by what was measured of it.

Products and sums at the rate of a loop that does nothing else, the exponentials and logarithms at the rate of the
kernel's own functions, the vectors read and the answers written at the rate of a copy. They are counted as the
formulas need them: with full covariance d (d + 1) / 2 products each for a distance and for the scatter. Memory can
be worked on beside arithmetic, so the limit is the larger of the two; arithmetic is shared between the threads.
"""

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.harness import timing
from benchmarks.harness.mixtures import Case
from streamgmm.mixture.exponential import exponentiate
from streamgmm.mixture.logarithm import logarithm

Numbers = NDArray[np.float64]

_LANES, _REPEAT, _RUNS = 256, 2000, 9
_COPIED = 1 << 22  # numbers, more than the caches hold


def seconds(case: Case, n: int, threads: int) -> float:
    """Of one pass over n vectors."""
    d, k = case.features, case.components
    products = d * (d + 1) // 2 if case.covariance == "full" else d
    arithmetic = n * (2 * k * (products + d) * product() + k * exponential() + log()) / threads
    return max(arithmetic, n * (d + k + 1) * copied_number())


@cache
def product() -> float:
    """Seconds for a product and its sum, on one thread."""
    rows, total = np.full((8, _LANES), 0.5), np.zeros(8)
    return _each(lambda: _multiply(rows, total, _REPEAT)) / 8


@cache
def exponential() -> float:
    """Seconds for an exponential, on one thread."""
    numbers, zeros, total = np.full(_LANES, -1.0), np.zeros(_LANES), np.zeros(_LANES)
    return _each(lambda: _exponentiate(numbers, zeros, total, _REPEAT))


@cache
def log() -> float:
    """Seconds for a logarithm, on one thread."""
    numbers = np.full(_LANES, 3.0)
    return _each(lambda: _logarithm(numbers, _REPEAT))


@cache
def copied_number() -> float:
    """Seconds to read a float64 from memory, or to write it."""
    source, target = np.ones(_COPIED), np.zeros(_COPIED)
    return timing.alone(lambda: np.copyto(target, source), _RUNS) / (2 * _COPIED)


def _each(call: timing.Call) -> float:
    return timing.alone(call, _RUNS) / (_LANES * _REPEAT)


@njit(cache=True, fastmath={"contract", "reassoc"})
def _multiply(rows: Numbers, total: Numbers, repeat: int) -> None:
    """Eight sums at once, each of its own products: as many as the processor can have under way."""
    x = rows[0]
    for _ in range(repeat):
        a = b = c = d = e = f = g = h = 0.0
        for n in range(len(x)):
            a, b, c, d = a + x[n] * rows[0, n], b + x[n] * rows[1, n], c + x[n] * rows[2, n], d + x[n] * rows[3, n]
            e, f, g, h = e + x[n] * rows[4, n], f + x[n] * rows[5, n], g + x[n] * rows[6, n], h + x[n] * rows[7, n]
        for i, value in enumerate((a, b, c, d, e, f, g, h)):
            total[i] += value


@njit(cache=True, fastmath={"contract"})
def _exponentiate(numbers: Numbers, zeros: Numbers, total: Numbers, repeat: int) -> None:
    for _ in range(repeat):
        numbers[:] = -1.0
        exponentiate(numbers, zeros, total, len(numbers))


@njit(cache=True, fastmath={"contract"})
def _logarithm(numbers: Numbers, repeat: int) -> None:
    for _ in range(repeat):
        numbers[:] = 3.0
        logarithm(numbers, len(numbers))
