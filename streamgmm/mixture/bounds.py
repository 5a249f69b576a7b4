"""Numbers from a caller, checked: an error names the argument, its value and the bound."""

import math
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture.arrays import Array


def integer(name: str, value: object, low: int) -> int:
    """An integer of at least `low`. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < low:
        raise ValueError(f"{name} is {value!r}; it must be an integer of at least {low}")
    return int(value)


def real(name: str, value: object, low: float, high: float = math.inf, *, above: bool = False) -> float:
    """A finite number from `low` to `high`; with `above`, more than `low`. Raises ValueError for anything else."""
    number = math.nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    if not math.isfinite(number) or not low <= number <= high or (above and number == low):
        bound = f"{'above' if above else 'at least'} {low:g}" + (f" and at most {high:g}" if high < math.inf else "")
        raise ValueError(f"{name} is {value!r}; it must be a finite number {bound}")
    return number


def weights_of(sample_weight: ArrayLike, count: int) -> Array:
    """Weights (n,) of `count` rows, finite and not negative. Raises ValueError for anything else."""
    weights = np.array(sample_weight, np.float64)
    if weights.shape != (count,):
        raise ValueError(f"sample_weight has shape {weights.shape}; it must be ({count},), one for each row of X")
    good = (weights >= 0) & np.isfinite(weights)
    if not good.all():
        where = int(np.argmin(good))
        raise ValueError(f"sample_weight[{where}] is {weights[where]}; it must be finite and at least 0")
    return weights
