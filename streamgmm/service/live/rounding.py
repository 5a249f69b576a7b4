"""Numbers short enough to be sent often: as many digits as can be seen."""

import numpy as np

from streamgmm.mixture.arrays import Array


def significant(values: Array, digits: int) -> Array:
    """Each rounded to so many significant digits; what is not finite stays as it is."""
    with np.errstate(all="ignore"):
        magnitude = np.where((values != 0) & np.isfinite(values), np.floor(np.log10(np.abs(values))), 0.0)
    factor = 10.0 ** np.clip(digits - 1 - magnitude, -300, 300)
    return np.where(np.isfinite(values), np.round(values * factor) / factor, values)


def to_a_thousandth(values: Array, spread: float) -> Array:
    """Rounded to a thousandth of `spread` or finer, wherever they lie."""
    if not (np.isfinite(spread) and spread > 0):
        return values
    return np.round(values, int(np.clip(3 - np.floor(np.log10(spread)), -300, 300)))
