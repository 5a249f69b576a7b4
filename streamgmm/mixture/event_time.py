"""The stream's own clock: the largest time (seconds) that any record learnt so far carried. It never goes back."""

from streamgmm.mixture import bounds


def later(known: float | None, given: float | None) -> float | None:
    """The later of two times, either of which may be unknown. Raises ValueError for one that is no finite number."""
    if given is None:
        return known
    seconds = bounds.real("event_time", given)
    return seconds if known is None else max(known, seconds)


def passed(before: float | None, now: float | None) -> float:
    """Seconds between them; none where one is unknown."""
    return 0.0 if before is None or now is None else now - before
