"""What is said of the stream stands long enough to be read: the detectors find other words with every window."""

from typing import NamedTuple

from streamgmm.service.live.sentence import sentence
from streamgmm.service.snapshot import DriftView

READABLE = 5.0  # seconds that a sentence stands while the alarm's state does
_BUSY = frozenset({"warning", "alarm"})  # states in which every window says something else


class Said(NamedTuple):
    """A sentence, and what it was made of."""

    time: float  # when it was made, seconds since the epoch
    drift: DriftView
    text: str


def said(before: Said | None, drift: DriftView, now: float, cool_down: int) -> Said:
    """What is said of `drift` at `now`: the sentence before as long as it stands. `cool_down` is in vectors."""
    if before is not None and _stands(before, drift, now):
        return before
    return Said(now, drift, sentence(drift, cool_down))


def _stands(before: Said, drift: DriftView, now: float) -> bool:
    if drift.state not in _BUSY or drift.state != before.drift.state or not 0 <= now - before.time < READABLE:
        return False
    return before.drift.sentence is not None or drift.sentence is None  # words are not waited for
