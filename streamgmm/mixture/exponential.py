"""exp, written so that it runs over vector registers.

The library's exp is called lane by lane unless Intel's vector library is installed, and would take most of the
E-step. Here x = n ln 2 + r with |r| <= ln 2 / 2, exp(r) is its Taylor polynomial (the first term left out is below
7e-15), in parts that do not wait for each other (Estrin), and 2 ** n is made by writing n into the exponent's bits: n
is read off the low bits of x / ln 2 + 1.5 * 2**52, where a float64 has no room for a fraction (Muller, Handbook of
Floating-Point Arithmetic, chapter 11).
Accurate to 1e-14 relative.
"""

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.compiled import inlined

LOWEST = -708.0  # exp of anything below is 0 here; the smallest normal number is exp(-708.4)
LN2_HIGH = 6.93147180369123816490e-01  # its last 21 bits are 0, so that n times it is exact
LN2_LOW = 1.90821492927058770002e-10
_SHIFT = 1.5 * 2.0**52
_PER_LN2 = 1.4426950408889634


@inlined
def exponentiate(values: Array, shift: Array, total: Array, lanes: int) -> None:
    """values = exp(values - shift), total += values, for values <= shift, in the first lanes of contiguous rows."""
    for n in range(lanes):
        x = max(values[n] - shift[n], LOWEST)
        power = np.float64(x * _PER_LN2 + _SHIFT)
        whole = power - _SHIFT
        series = _exp_series(x - whole * LN2_HIGH - whole * LN2_LOW)
        scale = np.int64((power.view(np.int64) + 1023) << 52).view(np.float64)
        values[n] = series * scale if x > LOWEST else 0.0
        total[n] += values[n]


@inlined
def _exp_series(r: float) -> float:
    square = r * r
    fourth = square * square
    low = (1 + r) + square * (1 / 2 + r * (1 / 6))
    middle = (1 / 24 + r * (1 / 120)) + square * (1 / 720 + r * (1 / 5040))
    high = (1 / 40320 + r * (1 / 362880)) + square * (1 / 3628800 + r * (1 / 39916800))
    return low + fourth * (middle + fourth * high)
