"""Numbers from a caller, checked: an error names the argument, its value and the bound."""

import math
from numbers import Integral, Real


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
