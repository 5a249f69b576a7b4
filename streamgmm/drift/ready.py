"""What is made of a reference's model to hold a stream against it, kept for the models that were asked for last.

A stream comes in many small calls, all under one reference: what is the same for each of them is made in the first.
"""

from collections import deque
from typing import NamedTuple

from streamgmm.drift.scores import Held, held
from streamgmm.drift.transform import Margins, margins
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters

_MOST = 4  # models: of states that run ahead, are committed, or were restored


class Ready(NamedTuple):
    """A frozen model, and what is made of it."""

    parameters: Parameters
    covariance: Covariance
    held: Held
    margins: Margins


def ready(parameters: Parameters, covariance: Covariance) -> Ready:
    """What is kept of these parameters, themselves and not others with the same numbers; or made now."""
    for one in tuple(_kept):  # whoever asks meanwhile makes it too: the numbers are the same
        if one.parameters is parameters and one.covariance is covariance:
            return one
    made = Ready(parameters, covariance, held(parameters, covariance), margins(parameters, covariance))
    _kept.append(made)
    return made


_kept: deque[Ready] = deque(maxlen=_MOST)
