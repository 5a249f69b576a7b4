"""The life of an alarm: none, warning, alarm, and back, a step a window.

An alarm rises when a value is above its limit. It ends when every value has stayed below its warning limit for the
cool-down; then for as long again none rises. Nothing here clears itself: a level stands until a window changes it.
"""

from typing import Literal, NamedTuple

Level = Literal["none", "warning", "alarm"]
Kind = Literal["warned", "eased", "raised", "cleared"]


class State(NamedTuple):
    """Where the alarm stands."""

    level: Level = "none"
    quiet: int = 0  # windows in a row without a warning
    hold: int = 0  # windows for which nothing rises


def init() -> State:
    """No alarm."""
    return State()


def update(state: State, *, warning: bool, alarm: bool, cool_down: int) -> tuple[State, Kind | None]:
    """Take in whether a window's values are above their limits; `cool_down` in windows."""
    state = State(state.level, 0 if warning else state.quiet + 1, max(state.hold - 1, 0))
    if state.level != "alarm" and alarm and not state.hold:
        return state._replace(level="alarm"), "raised"
    if state.level == "none" and warning and not state.hold:
        return state._replace(level="warning"), "warned"
    over = not warning and state.quiet >= cool_down  # without a cool-down too nothing ends above a limit
    if state.level == "warning" and over:
        return State(), "eased"
    if state.level == "alarm" and over:
        return State(hold=cool_down), "cleared"
    return state, None


def idle(state: State) -> bool:
    """Whether a window below all limits changes nothing that matters."""
    return state.level == "none" and not state.hold
