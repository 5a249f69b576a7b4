"""Numbers short enough to be sent often: as many digits as can be seen."""

import numpy as np

from streamgmm.mixture.arrays import Array

MOST_DIGITS = 15  # that a float has


def told_apart(values: Array, digits: int) -> Array:
    """As `significant`, with more digits in the columns of (k, d) whose values would look alike otherwise."""
    known = np.isfinite(values)
    highest = np.max(values, axis=0, initial=-np.inf, where=known)
    spread = highest - np.min(values, axis=0, initial=np.inf, where=known)
    largest = np.max(np.abs(values), axis=0, initial=0.0, where=known)
    with np.errstate(all="ignore"):
        wanted = np.where(spread > 0, np.floor(np.log10(largest / spread)) + 4, digits)  # a thousandth
    return significant(values, np.clip(np.nan_to_num(wanted, nan=digits), digits, MOST_DIGITS))


def significant(values: Array, digits: int | Array) -> Array:
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
