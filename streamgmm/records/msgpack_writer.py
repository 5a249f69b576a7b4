"""Numbers and heads of arrays in msgpack, written in compiled code in their shortest form."""

import numpy as np

from streamgmm.records.columns import Bytes
from streamgmm.records.compiled import compiled


@compiled
def write_int(out: Bytes, at: int, value: int) -> int:
    """Writes the integer and returns the place behind it."""
    if -32 <= value < 128:
        out[at] = np.uint8(value & 0xFF)
        return at + 1
    size, marker = 0, 0xCC if value >= 0 else 0xD0
    while size < 3 and not _fits(value, 8 << size):
        size += 1
    out[at] = np.uint8(marker + size)
    return write_bytes(out, at + 1, np.uint64(value), 1 << size)


@compiled
def _fits(value: int, bits: int) -> bool:
    if value >= 0:
        return value >> bits == 0
    return value >> (bits - 1) == -1


@compiled
def write_array_head(out: Bytes, at: int, count: int) -> int:
    """Writes the head of an array of `count` entries and returns the place behind it."""
    if count < 16:
        out[at] = np.uint8(0x90 | count)
        return at + 1
    if count < 0x10000:
        out[at] = np.uint8(0xDC)
        return write_bytes(out, at + 1, np.uint64(count), 2)
    out[at] = np.uint8(0xDD)
    return write_bytes(out, at + 1, np.uint64(count), 4)


@compiled
def write_float32(out: Bytes, at: int, value: float) -> int:
    """Rounds to float32, writes it and returns the place behind it."""
    out[at] = np.uint8(0xCA)
    return write_bytes(out, at + 1, np.uint64(np.float32(value).view(np.uint32)), 4)


@compiled
def write_float64(out: Bytes, at: int, value: float) -> int:
    """Writes the number and returns the place behind it."""
    out[at] = np.uint8(0xCB)
    return write_bytes(out, at + 1, np.float64(value).view(np.uint64), 8)


@compiled
def write_bytes(out: Bytes, at: int, bits: np.uint64, size: int) -> int:
    """The lowest `size` bytes, the highest of them first."""
    place = np.uint64(at)
    for i in range(np.uint64(size)):
        out[place + i] = np.uint8((bits >> np.uint64(8 * (size - 1 - i))) & np.uint64(0xFF))
    return at + size
