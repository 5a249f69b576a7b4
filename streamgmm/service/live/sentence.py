"""How the stream stands against its reference, in a sentence for people."""

import math

from streamgmm.service.snapshot import DriftView

_STATES = {
    "off": "Nobody watches whether the stream drifts.",
    "settling": "The model settles before it becomes the reference: {done} % done.",
    "calibrating": "Learning what is usual under the reference: {done} % done.",
    "none": "The stream looks like its reference.",
    "warning": "The stream begins to look unlike its reference.",
    "alarm": "The stream no longer looks like its reference.",
}


def sentence(drift: DriftView, cool_down: int) -> str:
    """The state, and behind it what changed where that is known; `cool_down` (vectors) holds an alarm up."""
    done = math.floor(100 * drift.progress)  # 100 only when it is
    changed = f"{drift.sentence[:1].upper()}{drift.sentence[1:]}." if drift.sentence else None
    return " ".join(filter(None, (_STATES[drift.state].format(done=done), changed, _stands(drift, cool_down))))


def _stands(drift: DriftView, cool_down: int) -> str | None:
    """Why it is still an alarm, with nothing above its limit."""
    if drift.state != "alarm" or not drift.statistics or any(one.value > one.limit for one in drift.statistics):
        return None
    return (
        "Every value is below its limit again: the alarm ends once all have been below their warning limits, which are "
        f"lower, for {cool_down:,} vectors."
    )
