"""How the stream stands against its reference, in a sentence for people."""

from streamgmm.service.snapshot import DriftView

_STATES = {
    "off": "Nobody watches whether the stream drifts.",
    "settling": "The model settles before it becomes the reference: {progress:.0%} done.",
    "calibrating": "Learning what is usual under the reference: {progress:.0%} done.",
    "none": "The stream looks like its reference.",
    "warning": "The stream begins to look unlike its reference.",
    "alarm": "The stream no longer looks like its reference.",
}


def sentence(drift: DriftView) -> str:
    """The state, and behind it what changed where that is known."""
    return " ".join(filter(None, (_STATES[drift.state].format(progress=drift.progress), drift.sentence)))
