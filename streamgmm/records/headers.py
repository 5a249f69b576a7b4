"""Headers of records, added and read for a whole batch at once.

A record's headers are one string of bytes (name length, name, value length, value, ...), so adding one is copying that
string and writing behind it. `streamgmm-source` says which input record an output record stands for
(`topic/partition/offset`); `audit` reads it back.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.records.columns import (
    Bytes,
    Int64,
    RecordColumns,
    Slices,
    bytes_of,
    frozen,
    normal,
    normal_array,
    normal_slices,
)
from streamgmm.records.compiled import compiled, copy, read_varint32, same_bytes, varint_size, write_varint

SOURCE = b"streamgmm-source"

_DIGITS = 19  # of the largest offset
_VARINT = 5  # bytes of a length at most


class Sources(NamedTuple):
    """Which input record each record stands for."""

    found: NDArray[np.bool_]  # (n,) the header is there, well formed, and names the topic that was asked for
    partition: Int64  # (n,) -1 where not found
    offset: Int64  # (n,) -1 where not found


def append(columns: RecordColumns, name: bytes, values: Slices) -> RecordColumns:
    """The records with one more header each, behind those they have. `values` are n strings; null is kept null."""
    if values.length.size != columns.offsets.size:
        raise ValueError(f"{values.length.size} header values for {columns.offsets.size} records")
    old, title, values = normal(columns).headers, bytes_of(name), normal_slices(values)
    length = np.empty(values.length.size, np.int64)
    _measure(old, title, values, length)
    start = frozen(np.cumsum(length) - length)
    buffer = np.empty(int(length.sum()), np.uint8)
    _append(old, title, values, buffer)
    return columns._replace(
        headers=Slices(frozen(buffer), start, frozen(length)), header_counts=frozen(columns.header_counts + 1)
    )


def source_headers(columns: RecordColumns, topic: str, partition: int) -> RecordColumns:
    """The records with the header `streamgmm-source: topic/partition/offset`, behind those they have."""
    old, prefix = normal_slices(columns.headers), bytes_of(f"{topic}/{partition}/".encode())
    longest = len(SOURCE) + prefix.size + _DIGITS + 2 * _VARINT
    buffer = np.empty(int(np.maximum(old.length, 0).sum()) + old.length.size * longest, np.uint8)
    length = np.empty(old.length.size, np.int64)
    used = _append_sources(old, bytes_of(SOURCE), prefix, normal_array(columns.offsets), buffer, length)
    start = frozen(np.cumsum(length) - length)
    return columns._replace(
        headers=Slices(frozen(buffer[:used]), start, frozen(length)), header_counts=frozen(columns.header_counts + 1)
    )


def parse_source(columns: RecordColumns, topic: str) -> Sources:
    """What `source_headers` wrote; where a record has several such headers (a chain of programs) the last counts."""
    columns, n = normal(columns), columns.offsets.size
    partition, offset = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    _read_sources(
        columns.headers, columns.header_counts, bytes_of(SOURCE), bytes_of(f"{topic}/".encode()), partition, offset
    )
    return Sources(frozen(offset >= 0), frozen(partition), frozen(offset))


@compiled
def _measure(old: Slices, name: Bytes, values: Slices, out: Int64) -> None:
    title = varint_size(name.size) + name.size
    for i in range(out.size):
        value = values.length[i]
        out[i] = max(old.length[i], 0) + title + varint_size(value) + max(value, 0)


@compiled
def _named(out: Bytes, at: int, old: Slices, i: int, name: Bytes) -> int:
    """The headers that a record has, and the name of one more; the place behind it."""
    at = copy(out, at, old.buffer, old.start[i], old.length[i])
    at = write_varint(out, at, name.size)
    return copy(out, at, name, 0, name.size)


@compiled
def _append(old: Slices, name: Bytes, values: Slices, out: Bytes) -> None:
    at = 0
    for i in range(old.length.size):
        at = _named(out, at, old, i, name)
        at = write_varint(out, at, values.length[i])
        at = copy(out, at, values.buffer, values.start[i], values.length[i])


@compiled
def _append_sources(old: Slices, name: Bytes, prefix: Bytes, offsets: Int64, out: Bytes, length: Int64) -> int:
    """Fills `out` and the strings' lengths; the bytes used."""
    at = 0
    for i in range(offsets.size):
        start, digits = at, _digits(offsets[i])
        at = _named(out, at, old, i, name)
        at = write_varint(out, at, prefix.size + digits)
        at = copy(out, at, prefix, 0, prefix.size)
        rest = offsets[i]
        for place in range(at + digits - 1, at - 1, -1):
            out[place] = np.uint8(48 + rest % 10)
            rest //= 10
        at += digits
        length[i] = at - start
    return at


@compiled
def _digits(number: int) -> int:
    """Decimal digits of a number that is not negative."""
    digits = 1
    while number >= 10:
        number //= 10
        digits += 1
    return digits


@compiled
def _read_sources(headers: Slices, counts: Int64, name: Bytes, topic: Bytes, partition: Int64, offset: Int64) -> None:
    data = headers.buffer
    for i in range(counts.size):
        at, end = headers.start[i], headers.start[i] + headers.length[i]
        for _ in range(counts[i]):
            length, at = read_varint32(data, at, end)
            ours = same_bytes(data, at, length, name)
            length, at = read_varint32(data, at + length, end)
            if ours:
                partition[i], offset[i] = _read_source(data, at, at + length, topic)
            at += max(length, 0)


@compiled
def _read_source(data: Bytes, at: int, end: int, topic: Bytes) -> tuple[int, int]:
    """Partition and offset of `topic/partition/offset`; -1, -1 where it is none or another topic's."""
    if end - at < topic.size or not same_bytes(data, at, topic.size, topic):
        return -1, -1
    partition, at = _read_number(data, at + topic.size, end)
    if at < 0 or at >= end or data[at] != 47:
        return -1, -1
    offset, at = _read_number(data, at + 1, end)
    return (partition, offset) if at == end else (-1, -1)


@compiled
def _read_number(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """A number that fits into 63 bits, and the place behind it; -1 for the place where there is none."""
    value, start = 0, at
    while at < end and 48 <= data[at] <= 57:
        digit: int = np.int64(data[at]) - 48  # type: ignore[assignment]
        if value > (0x7FFFFFFFFFFFFFFF - digit) // 10:
            return -1, -1
        value = value * 10 + digit
        at += 1
    return (value, at) if at > start else (-1, -1)
