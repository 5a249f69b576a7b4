"""Compiled code: what every kernel of this package shares, so that it is said once.

Kernels release the interpreter's lock, are kept in numba's cache, and take only the one layout of arrays that
`columns.normal` gives (contiguous, read-only), so that nothing is compiled in the middle of a stream. They read only
positions that they, or `record_batch.parse`, have checked.
"""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numba
import numpy as np

from streamgmm.records.columns import Bytes

_P = ParamSpec("_P")
_R = TypeVar("_R")

_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
_LONGEST = 10  # bytes of a 64-bit number in groups of seven bits


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function in machine code, compiled at its first call; division and errors as numpy's.

    It cannot allocate (no numba runtime): what it fills is an argument. Without the runtime arrays are not counted at
    every call of a small function, which takes up to nine tenths of such a call.
    """
    try:
        kernel: Callable[_P, _R] = numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # numba found no folder that it may write its cache to: compile in every process
        kernel = numba.njit(**_OPTIONS)(function)
    return kernel


@compiled
def read_varint(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The zig-zag number at `at` and the place behind it; -1 for the place where it runs past `end` or 10 bytes."""
    raw, shift = np.uint64(0), np.uint64(0)
    limit = min(end, at + _LONGEST)
    while at < limit:
        byte = data[at]
        at += 1
        raw |= np.uint64(byte & 0x7F) << shift
        if byte < 0x80:
            value: int = np.int64(raw >> np.uint64(1)) ^ -np.int64(raw & np.uint64(1))  # type: ignore[assignment]
            return value, at
        shift += np.uint64(7)
    return 0, -1


@compiled
def read_varint32(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """As `read_varint` for a number of 32 bits in at most 5 bytes; -1 for the place where it is none."""
    value, behind = read_varint(data, at, min(end, at + 5))
    if value < -0x80000000 or value > 0x7FFFFFFF:
        return 0, -1
    return value, behind


@compiled
def write_varint(out: Bytes, at: int, value: int) -> int:
    """Writes the number in zig-zag and returns the place behind it."""
    rest = np.uint64((value << 1) ^ (value >> 63))
    while rest >= np.uint64(0x80):
        out[at] = np.uint8(rest & np.uint64(0x7F)) | np.uint8(0x80)
        rest >>= np.uint64(7)
        at += 1
    out[at] = np.uint8(rest)
    return at + 1


@compiled
def varint_size(value: int) -> int:
    """The bytes that `write_varint` writes."""
    rest = np.uint64((value << 1) ^ (value >> 63))
    size = 1
    while rest >= np.uint64(0x80):
        rest >>= np.uint64(7)
        size += 1
    return size


@compiled
def copy(out: Bytes, at: int, data: Bytes, start: int, length: int) -> int:
    """Copies `length` bytes (none where it is negative) and returns the place behind them."""
    length = max(length, 0)
    to, of = np.uint64(at), np.uint64(start)  # unsigned: no test for indices from the end, so the loop vectorises
    for i in range(np.uint64(length)):
        out[to + i] = data[of + i]
    return at + length


@compiled
def unsigned(data: Bytes, at: int, size: int) -> np.uint64:
    """A number of `size` bytes, the highest first."""
    value, place = np.uint64(0), np.uint64(at)
    for i in range(np.uint64(size)):
        value = (value << np.uint64(8)) | np.uint64(data[place + i])
    return value


@compiled
def same_bytes(data: Bytes, at: int, length: int, wanted: Bytes) -> bool:
    """Whether the `length` bytes from `at` are the wanted ones."""
    if length != wanted.size:
        return False
    for i in range(length):  # noqa: SIM110 - compiled code knows no all()
        if data[at + i] != wanted[i]:
            return False
    return True
