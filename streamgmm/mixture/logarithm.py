"""log, written so that it runs over vector registers.

x = 2**e m with m in [sqrt 1/2, sqrt 2), read off the bits; log m = 2 artanh s, s = (m - 1) / (m + 1), |s| < 0.172, by
its series in s**2 (the first term left out is below 1e-18 of the first). Accurate to 4e-16 relative, for normal
numbers above 0.
"""

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.compiled import inlined
from streamgmm.mixture.exponential import LN2_HIGH, LN2_LOW

_ROOT_HALF = 0x3FE6A09E667F3BCD  # the bits of sqrt 1/2
_FRACTION = 52  # bits of it in a float64


@inlined
def logarithm(values: Array, lanes: int) -> None:
    """values = log(values) for the first lanes of a contiguous row, all normal numbers above 0."""
    for n in range(lanes):
        bits = np.float64(values[n]).view(np.int64)
        exponent = (bits - _ROOT_HALF) >> _FRACTION
        mantissa = np.int64(bits - (exponent << _FRACTION)).view(np.float64)
        s = (mantissa - 1.0) / (mantissa + 1.0)
        square = s * s
        values[n] = exponent * LN2_HIGH + (2.0 * s + (2.0 * s * square * _series(square) + exponent * LN2_LOW))


@inlined
def _series(z: float) -> float:
    """artanh(s) / s**3 - 1 / s**2 of z = s**2."""
    p = 1 / 21
    p = p * z + 1 / 19
    p = p * z + 1 / 17
    p = p * z + 1 / 15
    p = p * z + 1 / 13
    p = p * z + 1 / 11
    p = p * z + 1 / 9
    p = p * z + 1 / 7
    p = p * z + 1 / 5
    return p * z + 1 / 3
