"""A vector's responsibilities as they are published: all of them, the largest, or none."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streamgmm.records.columns import Bytes, Int64, Slices, empty_slices, frozen, normal_array
from streamgmm.records.compiled import compiled
from streamgmm.records.msgpack_writer import write_array_head, write_float32, write_int

Float64 = NDArray[np.float64]

_HEAD = 5  # bytes of the longest head of an array
_FLOAT = 5
_INT = 9


class Shares(Protocol):
    """Which responsibilities are published, and how."""

    def pack(self, responsibilities: Float64, ids: Int64) -> Slices:
        """The n rows of (n, k) in msgpack."""

    def objects(self, responsibilities: Float64, ids: Int64) -> list[object]:
        """The n rows as Python objects, for JSON; empty where none are published."""


class AllShares:
    """Every component's, in the order of the ids."""

    def pack(self, responsibilities: Float64, ids: Int64) -> Slices:
        """See Shares."""
        n, k = responsibilities.shape
        out = np.empty(n * (_HEAD + _FLOAT * k), np.uint8)
        length = np.empty(n, np.int64)
        return _packed(out, length, _pack_all(normal_array(responsibilities), out, length))

    def objects(self, responsibilities: Float64, ids: Int64) -> list[object]:
        """See Shares."""
        rows: list[object] = responsibilities.tolist()
        return rows


class TopShares(NamedTuple):
    """`[[id, p], ...]` of the `most` largest, descending; of equal ones the first in the order of the ids."""

    most: int

    def pack(self, responsibilities: Float64, ids: Int64) -> Slices:
        """See Shares."""
        n, k = responsibilities.shape
        most = min(self.most, k)
        out = np.empty(n * (_HEAD + (1 + _INT + _FLOAT) * most), np.uint8)
        length = np.empty(n, np.int64)
        order = np.empty(most, np.int64)
        used = _pack_top(normal_array(responsibilities), normal_array(ids), order, out, length)
        return _packed(out, length, used)

    def objects(self, responsibilities: Float64, ids: Int64) -> list[object]:
        """See Shares."""
        order = np.argsort(-responsibilities, axis=1, kind="stable")[:, : self.most]
        largest = np.take_along_axis(responsibilities, order, axis=1)
        return [
            [list(pair) for pair in zip(names, values, strict=True)]
            for names, values in zip(ids[order].tolist(), largest.tolist(), strict=True)
        ]


class NoShares:
    """The field is left out."""

    def pack(self, responsibilities: Float64, ids: Int64) -> Slices:
        """See Shares."""
        return empty_slices(len(responsibilities))

    def objects(self, responsibilities: Float64, ids: Int64) -> list[object]:
        """See Shares."""
        return []


def _packed(out: Bytes, length: Int64, used: int) -> Slices:
    return Slices(frozen(out[:used]), frozen(np.cumsum(length) - length), frozen(length))


@compiled
def _pack_all(responsibilities: Float64, out: Bytes, length: Int64) -> int:
    at = 0
    for i in range(responsibilities.shape[0]):
        start = at
        at = write_array_head(out, at, responsibilities.shape[1])
        for j in range(responsibilities.shape[1]):
            at = write_float32(out, at, responsibilities[i, j])
        length[i] = at - start
    return at


@compiled
def _pack_top(responsibilities: Float64, ids: Int64, order: Int64, out: Bytes, length: Int64) -> int:
    at = 0
    for i in range(responsibilities.shape[0]):
        start = at
        _largest(responsibilities[i], order)
        at = write_array_head(out, at, order.size)
        for j in order:
            out[at] = 0x92
            at = write_int(out, at + 1, ids[j])
            at = write_float32(out, at, responsibilities[i, j])
        length[i] = at - start
    return at


@compiled
def _largest(values: Float64, order: Int64) -> None:
    """Sets `order` to the places of the largest values, descending, the first of equal ones first."""
    held = 0
    for j in range(values.size):
        if held == order.size and not values[j] > values[order[held - 1]]:
            continue
        place = held if held < order.size else held - 1
        while place > 0 and values[j] > values[order[place - 1]]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = j
        held = min(held + 1, order.size)
