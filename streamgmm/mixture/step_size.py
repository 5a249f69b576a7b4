"""How much of the old statistics a batch replaces.

Time t is the weight learnt so far divided by the batch size. Statistics are forgotten at the rate
`(t + delay) ** -exponent`, so what is kept from t0 to t1 is `retention = exp(-integral of the rate)`. It is
multiplicative: two steps keep what one step over both would, so forgetting does not depend on where batches are cut.
For whole batches the step size tends to the textbook's `t ** -exponent` (Cappe and Moulines 2009), is never above 1,
and with exponent 1 and delay 0 the statistics are the plain mean of everything seen.
"""

import math


def retention(start: float, end: float, *, exponent: float, delay: float) -> float:
    """The share of the old statistics that is kept from time `start` to `end`; 0 <= start <= end."""
    return math.exp(-_forgetting(start + delay, end + delay, exponent))


def step_size(start: float, end: float, *, exponent: float, delay: float) -> float:
    """The share that the new statistics get: 1 - retention, exact also where it is small."""
    return -math.expm1(-_forgetting(start + delay, end + delay, exponent))


def _forgetting(start: float, end: float, exponent: float) -> float:
    """The integral of t ** -exponent; written so that neighbouring times do not cancel."""
    power = 1.0 - exponent
    if start == end:
        return 0.0
    if start == 0.0:
        return math.inf if power == 0.0 else end**power / power
    growth = math.log1p((end - start) / start)
    return growth if power == 0.0 else start**power * math.expm1(power * growth) / power
