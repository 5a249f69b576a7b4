"""How much of the old statistics a batch replaces.

Time t is the weight learnt so far divided by the batch size. Statistics are forgotten at the rate `(t + delay) **
-exponent`, so what is kept from t0 to t1 is `R = exp(-integral of the rate)`. It is multiplicative: two steps keep what
one step over both would, so forgetting does not depend on where batches are cut. For whole batches the step size tends
to the textbook's `t ** -exponent` (Cappe and Moulines 2009; its bounds are those of Robbins and Monro, Bishop 2006,
equations 2.130 to 2.132), is never above 1, and with exponent 1 and delay 0 the statistics are the plain mean of
everything seen.

That rate falls for ever, and with it the model's ability to follow. A half-life h bounds what is kept from above by
`H = 2 ** (-(t1 - t0) / h)`, or by `2 ** (-dt / h)` where dt is how far event time moved on: eta = 1 - min(R, H).
"""

import math
from typing import NamedTuple

from streamgmm.mixture import bounds


class HalfLife(NamedTuple):
    """After how long at most half of the old statistics is kept; infinite where there is no such bound."""

    batches: float = math.inf  # of weight learnt / batch_size
    seconds: float = math.inf  # of event time


ENDLESS = HalfLife()


def half_life(value: float, unit: str, batch_size: int) -> HalfLife:
    """The half-life of `value` records (weight learnt), batches, or seconds of event time, by the unit's name.

    Raises ValueError for a unit that is none, for what is not above 0, and for one that is shorter than a batch.
    """
    bounds.real("half_life", value, 0, above=True)
    bounds.integer("batch_size", batch_size, 1)
    match unit:
        case "records":
            return _no_shorter_than_a_batch(HalfLife(batches=value / batch_size), f"{value} records", batch_size)
        case "batches":
            return _no_shorter_than_a_batch(HalfLife(batches=value), f"{value} batches", batch_size)
        case "seconds":
            return HalfLife(seconds=value)
    raise ValueError(f"half_life has the unit {unit!r}; it must be one of records, batches, seconds")


def _no_shorter_than_a_batch(found: HalfLife, given: str, batch_size: int) -> HalfLife:
    if found.batches < 1:
        raise ValueError(f"half_life is {given}; it must be at least the batch_size, {batch_size} records")
    return found


def retention(
    start: float, end: float, *, exponent: float, delay: float, half_life: HalfLife = ENDLESS, seconds: float = 0.0
) -> float:
    """The share of the old statistics that is kept from time `start` to `end`; 0 <= start <= end.

    `seconds`, at least 0, is how far event time moved on.
    """
    return math.exp(-max(_forgetting(start + delay, end + delay, exponent), _fading(end - start, seconds, half_life)))


def step_size(
    start: float, end: float, *, exponent: float, delay: float, half_life: HalfLife = ENDLESS, seconds: float = 0.0
) -> float:
    """The share that the new statistics get: 1 - retention, exact also where it is small."""
    return -math.expm1(
        -max(_forgetting(start + delay, end + delay, exponent), _fading(end - start, seconds, half_life))
    )


def _fading(batches: float, seconds: float, half_life: HalfLife) -> float:
    """-log H."""
    return math.log(2.0) * (batches / half_life.batches + seconds / half_life.seconds)


def _forgetting(start: float, end: float, exponent: float) -> float:
    """-log R, the integral of t ** -exponent; written so that neighbouring times do not cancel."""
    power = 1.0 - exponent
    if start == end:
        return 0.0
    if start == 0.0:
        return math.inf if power == 0.0 else end**power / power
    ratio = (end - start) / start
    growth = math.log1p(ratio) if ratio < math.inf else math.log(end) - math.log(start)
    return growth if power == 0.0 else start**power * math.expm1(power * growth) / power
