"""How much memory frames keep alive: what several of them share is counted once, by its identity."""

import sys
from collections.abc import Mapping

import numpy as np

from streamgmm.service.live.frame import DeadLetter, Frame, Moment
from streamgmm.service.snapshot import Snapshot

FLOAT = sys.getsizeof(0.0)
_LEAVES = frozenset({float, int, bool, type(None)})  # most of a frame: what need not be looked into
_SHARED = (np.ndarray, str, Snapshot, DeadLetter)  # what one frame may have in common with another
Sizes = Mapping[int, int]  # bytes by the identity of what holds them


def held(frame: Frame, known: Sizes) -> dict[int, int]:
    """Bytes by the identity of what holds them: of the frame itself and of every part that others may share.

    Events make up most of a frame, and most of them are those of the frame before: what is `known` of an event that is
    still kept is not weighed again.
    """
    shared = {id(moment): known.get(id(moment)) or _whole(moment) for moment in frame.moments}
    shared[id(frame)] = sys.getsizeof(frame.moments) + _own(frame._replace(moments=()), shared)
    return shared


def _whole(moment: Moment) -> int:
    """With all that it holds."""
    parts: dict[int, int] = {}
    own = _own(moment, parts)
    return own + sum(parts.values())


def _weighed(value: object, shared: dict[int, int]) -> int:
    """Bytes that are the holder's own; what may be shared is noted apart."""
    if type(value) in _LEAVES:
        return sys.getsizeof(value)
    if not isinstance(value, _SHARED):
        return _own(value, shared)
    if id(value) not in shared:
        shared[id(value)] = _own(value, shared)
    return 0


def _own(value: object, shared: dict[int, int]) -> int:
    own = sys.getsizeof(value)  # of an array with its numbers, where they are its own
    if isinstance(value, np.ndarray):
        return own + (0 if value.base is None else _weighed(value.base, shared))
    if (type(value) is tuple or type(value) is list) and value and type(value[0]) is float:
        return own + FLOAT * len(value)  # a mean: as many floats as features
    if isinstance(value, tuple | list):
        return own + sum(_weighed(part, shared) for part in value)
    if isinstance(value, dict | Mapping):  # the first is looked up sooner
        return own + sum(_weighed(part, shared) for pair in value.items() for part in pair)
    return own
