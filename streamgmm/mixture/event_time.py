"""The stream's own clock: the largest time (seconds) that any record learnt so far carried. It never goes back."""

import math


def later(known: float | None, given: float | None) -> float | None:
    """The later of two times, either of which may be unknown. Raises ValueError for one that is not finite."""
    if given is None:
        return known
    if not math.isfinite(given):
        raise ValueError(f"event_time is {given}; it must be finite, in seconds")
    return given if known is None else max(known, given)


def passed(before: float | None, now: float | None) -> float:
    """Seconds between them; none where one is unknown."""
    return 0.0 if before is None or now is None else now - before
