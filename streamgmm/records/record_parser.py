"""The compiled half of `record_batch`: the records of one batch, between bytes and positions.

A record is, all numbers zig-zag and of variable length: length, attributes (one byte), timestamp delta, offset delta,
key length, key, value length, value, number of headers, and for each header name length, name, value length, value.
A length below zero is null. `locate` checks every number against the end of what holds it before it is used, so
whatever the bytes are it stays within them, and what it accepted may be trusted later.
"""

import numpy as np

from streamgmm.records.columns import NULL, Bytes, Int64, RecordColumns, Slices
from streamgmm.records.compiled import compiled, copy, read_varint, read_varint32, varint_size, write_varint

FIELDS = 9  # rows of the array that `locate` fills, in this order
OFFSET, TIMESTAMP, KEY, KEY_LENGTH, VALUE, VALUE_LENGTH, HEADERS, HEADERS_LENGTH, HEADER_COUNT = range(FIELDS)

FAULTS = (
    "",
    "a number runs past its end or is too large",
    "a record's length is wrong",
    "a key or value runs past its record's end",
    "the number of headers is wrong",
    "a header is damaged",
    "a record is longer than its fields",
    "offsets are not ascending, or run past the batch's last",
    "bytes are left behind the last record",
)
_OK, _NUMBER, _LENGTH, _FIELD, _COUNT, _HEADER, _LEFT_OVER, _ORDER, _TRAILING = range(len(FAULTS))


@compiled
def locate(  # noqa: PLR0911 - a way out for each fault
    data: Bytes, at: int, size: int, last_delta: int, out: Int64, first: int, count: int
) -> tuple[int, int]:
    """Fills the columns of `out` (FIELDS, n) from `first` on with the `count` records that fill `data` from `at` to
    `size`; offsets and times relative to the batch's.

    Returns (fault, record): an index into FAULTS, 0 where all is well, and the record that it was found in.
    """
    previous = -1
    for i in range(first, first + count):
        length, at = read_varint32(data, at, size)
        if at < 0:
            return _NUMBER, i - first
        end = at + length
        if length < 1 or end > size:
            return _LENGTH, i - first
        out[TIMESTAMP, i], at = read_varint(data, at + 1, end)
        if at < 0:
            return _NUMBER, i - first
        delta, at = read_varint32(data, at, end)
        if at < 0:
            return _NUMBER, i - first
        if delta <= previous or delta > last_delta:
            return _ORDER, i - first
        out[OFFSET, i] = previous = delta
        out[KEY, i], out[KEY_LENGTH, i], at = _bytes(data, at, end)
        if at < 0:
            return _FIELD, i - first
        out[VALUE, i], out[VALUE_LENGTH, i], at = _bytes(data, at, end)
        if at < 0:
            return _FIELD, i - first
        count, at = read_varint32(data, at, end)
        if at < 0 or count < 0:
            return _COUNT, i - first
        out[HEADER_COUNT, i], out[HEADERS, i], out[HEADERS_LENGTH, i] = count, at, end - at
        at = _behind_headers(data, at, end, count)
        if at < 0:
            return _HEADER, i - first
        if at != end:
            return _LEFT_OVER, i
    return (_OK, 0) if at == size else (_TRAILING, count)


@compiled
def _bytes(data: Bytes, at: int, end: int) -> tuple[int, int, int]:
    """Start, length and the place behind a string; -1 for the place where it runs past `end`."""
    length, at = read_varint32(data, at, end)
    if at < 0 or length > end - at:
        return 0, 0, -1
    if length < 0:
        return at, NULL, at
    return at, length, at + length


@compiled
def _behind_headers(data: Bytes, at: int, end: int, count: int) -> int:
    for _ in range(count):
        _start, length, at = _bytes(data, at, end)
        if at < 0 or length < 0:
            return -1
        _start, length, at = _bytes(data, at, end)
        if at < 0:
            return -1
    return at


@compiled
def _body(columns: RecordColumns, i: int, first: int) -> int:
    """Bytes of record i behind its length, in a batch that begins with record `first`."""
    key, value = columns.keys.length[i], columns.values.length[i]
    body: int = (
        1
        + varint_size(columns.timestamps[i] - columns.timestamps[first])
        + varint_size(i - first)
        + varint_size(key)
        + max(key, 0)
        + varint_size(value)
        + max(value, 0)
        + varint_size(columns.header_counts[i])
        + columns.headers.length[i]
    )
    return body


@compiled
def measure(columns: RecordColumns, first: int, limit: int) -> tuple[int, int]:
    """How many records from `first` on fit into `limit` bytes, and their bytes; (0, its bytes) if not even one does."""
    total = 0
    for i in range(first, columns.offsets.size):
        body = _body(columns, i, first)
        size = varint_size(body) + body
        if total + size > limit:
            return (i - first, total) if i > first else (0, size)
        total += size
    return columns.offsets.size - first, total


@compiled
def fill(columns: RecordColumns, first: int, count: int, out: Bytes) -> int:
    """Writes the records one behind the other; returns the bytes written."""
    at = 0
    keys, values, headers = columns.keys, columns.values, columns.headers
    for i in range(first, first + count):
        at = write_varint(out, at, _body(columns, i, first))
        out[at] = 0
        at = write_varint(out, at + 1, columns.timestamps[i] - columns.timestamps[first])
        at = write_varint(out, at, i - first)
        at = write_varint(out, at, keys.length[i])
        at = copy(out, at, keys.buffer, keys.start[i], keys.length[i])
        at = write_varint(out, at, values.length[i])
        at = copy(out, at, values.buffer, values.start[i], values.length[i])
        at = write_varint(out, at, columns.header_counts[i])
        at = copy(out, at, headers.buffer, headers.start[i], headers.length[i])
    return at


def places(n: int) -> Int64:
    """What `locate` fills."""
    return np.empty((FIELDS, n), np.int64)


def columns_at(data: Bytes, places: Int64, position: int) -> RecordColumns:
    """What `locate` filled, as columns on the bytes that it looked at."""
    offsets, timestamps, keys, key_lengths, values, value_lengths, headers, header_lengths, counts = places
    return RecordColumns(
        offsets,
        timestamps,
        Slices(data, keys, key_lengths),
        Slices(data, values, value_lengths),
        Slices(data, headers, header_lengths),
        counts,
        position,
    )
