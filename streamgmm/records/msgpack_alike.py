"""Records that lie as the first one of their batch does: what one walk has found in that one holds for them, too.

A producer mostly writes the same keys and types in the same order. Then all bytes but those of the numbers are the
same: the heads of maps and arrays, the keys, and each number's type. So a record whose bytes at those places are the
first one's has its numbers where the first one has them, and is as sound. The others are walked through one by one.
"""

import numpy as np
from numpy.typing import NDArray

from streamgmm.records.columns import Bytes, Int64, Slices, normal_slices, take_slices
from streamgmm.records.compiled import compiled
from streamgmm.records.msgpack_walker import ODD, TEXT, head, locate, room


def located(values: Slices, names: Slices, *, bare: bool) -> Int64:
    """As `locate` sets them: the places (n, f + 1) of f names in n values."""
    n, width = values.length.size, names.start.size + 1
    places = np.empty((n, width), np.int64)
    locate(normal_slices(take_slices(values, slice(1))), names, bare, room(), places[:1])
    if n == 0 or places[0, -1] == ODD:
        locate(values, names, bare, room(), places)
        return places
    marks = np.empty(int(values.length[0]), np.int64)
    count = _marks(values.buffer, values.start[0], places[0, -1], marks)
    other = np.ones(n, np.bool_)
    if count:
        _place_alike(values, marks[:count], places, other)
    rows = np.flatnonzero(other)
    if rows.size:
        walked = np.empty((rows.size, width), np.int64)
        locate(normal_slices(take_slices(values, rows)), names, bare, room(), walked)
        places[rows] = walked
    return places


@compiled
def _marks(data: Bytes, at: int, end: int, marks: Int64) -> int:
    """The places, counted from `at`, of the bytes that make a sound value's layout; 0 where it holds raw bytes."""
    first, count = at, 0
    while at < end:
        kind, length, behind = head(data, at, end)
        if kind < TEXT:
            return 0
        behind += length if kind == TEXT else 0
        for place in range(at, behind):
            marks[count] = place - first
            count += 1
        at = behind + max(kind, 0)
    return count


@compiled
def _place_alike(values: Slices, marks: Int64, places: Int64, other: NDArray[np.bool_]) -> None:
    """Fills the places of records like the first, and leaves the `other` ones."""
    data, length = values.buffer, values.length[0]
    start = values.start[0]
    for i in range(values.start.size):
        at = values.start[i]
        if values.length[i] != length or not _is_alike(data, at, start, marks):
            continue
        other[i] = False
        for name in range(places.shape[1]):
            place = places[0, name]
            places[i, name] = place + at - start if place >= 0 else place


@compiled
def _is_alike(data: Bytes, at: int, first: int, marks: Int64) -> bool:
    for mark in marks:  # noqa: SIM110 - compiled code knows no all()
        if data[np.uint64(at + mark)] != data[np.uint64(first + mark)]:
            return False
    return True
