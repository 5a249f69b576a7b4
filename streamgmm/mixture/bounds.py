"""What a caller gives, checked: an error names the argument, its value and the bound."""

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture.arrays import Array, frozen

Option = TypeVar("Option")


def integer(name: str, value: object, low: int) -> int:
    """An integer of at least `low`. Raises ValueError for anything else."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral) or int(value) < low:
        raise ValueError(f"{name} is {value!r}; it must be an integer of at least {low}")
    return int(value)


def real(name: str, value: object, low: float = -math.inf, high: float = math.inf, *, above: bool = False) -> float:
    """A finite number from `low` to `high`; with `above`, more than `low`. Raises ValueError for anything else."""
    number = math.nan if isinstance(value, bool | np.bool_) or not isinstance(value, Real) else float(value)
    if not math.isfinite(number) or not low <= number <= high or (above and number == low):
        lowest = f" {'above' if above else 'at least'} {low:g}" if low > -math.inf else ""
        highest = f" and at most {high:g}" if high < math.inf else ""
        raise ValueError(f"{name} is {value!r}; it must be a finite number{lowest}{highest}")
    return number


def flag(name: str, value: object) -> bool:
    """True or false. Raises ValueError for anything else."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} is {value!r}; it must be True or False")  # noqa: TRY004 - as any bad value here
    return bool(value)


def option(name: str, value: object, options: Mapping[str, Option]) -> Option:
    """What the value names among the options. Raises ValueError for a name that is none."""
    if not isinstance(value, str) or value not in options:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(options)}")
    return options[value]


def numbers(name: str, value: ArrayLike) -> Array:
    """Real numbers, NaN and infinity among them, as a read-only array. Raises ValueError for anything else."""
    try:
        found = np.asarray(value)
        if found.dtype.kind == "O":
            found = found.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} is no array of float64 numbers: {error}") from error
    if found.dtype.kind not in "biuf":
        what = "complex" if found.dtype.kind == "c" else f"of type {found.dtype}"
        raise ValueError(f"{name} is {what}; it must hold real numbers")
    return frozen(found)


def weights(name: str, value: ArrayLike, count: int) -> Array:
    """Weights (n,) of `count` rows, finite and not negative. Raises ValueError for anything else."""
    found = numbers(name, value)
    if found.shape != (count,):
        raise ValueError(f"{name} has shape {found.shape}; it must be ({count},), one for each row")
    good = (found >= 0) & np.isfinite(found)
    if not good.all():
        where = int(np.argmin(good))
        raise ValueError(f"{name}[{where}] is {found[where]}; it must be finite and at least 0")
    return found
