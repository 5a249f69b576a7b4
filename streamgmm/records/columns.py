"""Records as columns: byte strings as positions in a buffer, so that no record becomes a Python object on its way.

A fetch is `{partition: RecordColumns}`. The keys, values and headers of the columns are `Slices`: each names the
buffer that its bytes lie in, so that an output can take its keys from the input's buffer and its values from the
encoder's without a copy. Everything here is immutable: arrays are set read-only when a value is built. Positions are
checked where bytes come in (`record_batch.parse`, `of_parts`) and trusted from there on.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Int64 = NDArray[np.int64]
Headers = Sequence[tuple[str, bytes | None]]
_Array = TypeVar("_Array", bound=NDArray[Any])

NULL = -1  # the length of a byte string that is null


class Slices(NamedTuple):
    """n byte strings, each a place in one buffer; a length of -1 is null. `string` reads one of them."""

    buffer: Bytes  # (b,)
    start: Int64  # (n,)
    length: Int64  # (n,)


class RecordColumns(NamedTuple):
    """n records of one partition in offset order.

    `position` is the reader's position after them: the next offset to read. It may lie beyond the last record's
    offset + 1, because transaction markers and compaction gaps count as passed, also when nothing else was passed
    (n = 0).
    """

    offsets: Int64  # (n,)
    timestamps: Int64  # (n,) milliseconds since the epoch
    keys: Slices
    values: Slices
    headers: Slices  # each the header bytes of a record batch v2, without the count before them
    header_counts: Int64  # (n,)
    position: int


class Record(NamedTuple):
    """One record as an object: where records are rare (a rejection, `tail`, a test)."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


def frozen(array: _Array) -> _Array:
    """The same array, set read-only."""
    array.flags.writeable = False
    return array


def string(slices: Slices, i: int) -> bytes | None:
    """The i-th string as an object: for the rare record only."""
    start, length = int(slices.start[i]), int(slices.length[i])
    return None if length == NULL else slices.buffer[start : start + length].tobytes()


def slices_of(strings: Sequence[bytes | None]) -> Slices:
    """Copies the strings one behind the other into a buffer of their own."""
    try:
        lengths = np.fromiter(map(len, strings), np.int64, len(strings))  # type: ignore[arg-type]
        joined = b"".join(strings)  # type: ignore[arg-type]
    except TypeError:  # some are null: the slower way
        lengths = np.fromiter((NULL if s is None else len(s) for s in strings), np.int64, len(strings))
        joined = b"".join([s for s in strings if s])
    return Slices(bytes_of(joined), _starts(lengths), frozen(lengths))


def bytes_of(data: bytes | bytearray | memoryview) -> Bytes:
    """A read-only view of the bytes, without a copy."""
    return frozen(np.frombuffer(data, np.uint8))


def empty_slices(n: int) -> Slices:
    """n strings of length zero."""
    return Slices(bytes_of(b""), frozen(np.zeros(n, np.int64)), frozen(np.zeros(n, np.int64)))


def of_parts(
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    timestamps: Iterable[int],
    offsets: Iterable[int],
    *,
    headers: Sequence[Headers],
    position: int,
) -> RecordColumns:
    """Columns from parallel lists, one entry a record.

    Raises ValueError where the lists differ in length.
    """
    times = np.fromiter(timestamps, np.int64)
    places = np.fromiter(offsets, np.int64)
    if not len(keys) == len(values) == len(times) == len(places) == len(headers):
        raise ValueError(
            f"columns of different lengths: {len(keys)} keys, {len(values)} values, {len(times)} timestamps, "
            f"{len(places)} offsets, {len(headers)} headers"
        )
    written, counts = _header_columns(headers)
    return RecordColumns(frozen(places), frozen(times), slices_of(keys), slices_of(values), written, counts, position)


def of_records(records: Sequence[Record], position: int) -> RecordColumns:
    """Columns from record objects, in their order."""
    if not records:
        return empty(position)
    offsets, timestamps, keys, values, headers = zip(*records, strict=True)
    return of_parts(keys, values, timestamps, offsets, headers=headers, position=position)


def records_of(columns: RecordColumns) -> Iterator[Record]:
    """Each record as an object: for the rare record only."""
    for i, (offset, timestamp) in enumerate(zip(columns.offsets.tolist(), columns.timestamps.tolist(), strict=True)):
        yield Record(offset, timestamp, string(columns.keys, i), string(columns.values, i), headers_of(columns, i))


def headers_of(columns: RecordColumns, i: int) -> tuple[tuple[str, bytes | None], ...]:
    """The headers of the i-th record. A name that is not UTF-8 is shown with replacement characters."""
    count = int(columns.header_counts[i])
    return tuple(_read_headers(string(columns.headers, i) or b"", count)) if count else ()


def empty(position: int) -> RecordColumns:
    """No records: a reader that has passed markers or gaps only, up to `position`."""
    none = frozen(np.zeros(0, np.int64))
    strings = empty_slices(0)
    return RecordColumns(none, none, strings, strings, strings, none, position)


def take(columns: RecordColumns, rows: NDArray[Any] | slice) -> RecordColumns:
    """The records at `rows` (indices, a mask, or a slice), on the same buffers and with the same position."""
    return RecordColumns(
        frozen(columns.offsets[rows]),
        frozen(columns.timestamps[rows]),
        take_slices(columns.keys, rows),
        take_slices(columns.values, rows),
        take_slices(columns.headers, rows),
        frozen(columns.header_counts[rows]),
        columns.position,
    )


def take_slices(slices: Slices, rows: NDArray[Any] | slice) -> Slices:
    """The strings at `rows`, on the same buffer."""
    return Slices(slices.buffer, frozen(slices.start[rows]), frozen(slices.length[rows]))


def cut(slices: Slices, rows: slice) -> Slices:
    """Strings at `rows`, one at least, that lie one behind the other: on their own part of the buffer."""
    start, length = slices.start[rows], slices.length[rows]
    first, stop = int(start[0]), int(start[-1]) + max(int(length[-1]), 0)
    return Slices(slices.buffer[first:stop], frozen(start - first), frozen(length))


def concatenate(parts: Sequence[RecordColumns]) -> RecordColumns:
    """The records of all parts, one part after the other; the position is the last part's.

    Every buffer is copied once, however many columns and parts share it. Raises ValueError without parts.
    """
    if len(parts) <= 1:
        if not parts:
            raise ValueError("no columns to concatenate: at least one part is needed, for the position")
        return parts[0]
    buffers = {id(b): b for part in parts for b in _buffers(part)}
    places = dict(zip(buffers, np.cumsum([0, *(b.size for b in buffers.values())]).tolist(), strict=False))
    whole = frozen(np.concatenate(list(buffers.values())))

    def joined(column: list[Slices]) -> Slices:
        starts = np.concatenate([s.start + places[id(s.buffer)] for s in column])
        return Slices(whole, frozen(starts), frozen(np.concatenate([s.length for s in column])))

    return RecordColumns(
        frozen(np.concatenate([part.offsets for part in parts])),
        frozen(np.concatenate([part.timestamps for part in parts])),
        joined([part.keys for part in parts]),
        joined([part.values for part in parts]),
        joined([part.headers for part in parts]),
        frozen(np.concatenate([part.header_counts for part in parts])),
        parts[-1].position,
    )


def normal(columns: RecordColumns) -> RecordColumns:
    """The same columns as compiled code wants them: contiguous and read-only, whoever built them."""
    offsets, timestamps, keys, values, headers, counts, position = columns
    return RecordColumns(
        normal_array(offsets),
        normal_array(timestamps),
        normal_slices(keys),
        normal_slices(values),
        normal_slices(headers),
        normal_array(counts),
        int(position),
    )


def normal_slices(slices: Slices) -> Slices:
    """As `normal`, for one column."""
    return Slices(normal_array(slices.buffer), normal_array(slices.start), normal_array(slices.length))


def sizes(columns: RecordColumns) -> Int64:
    """Bytes of each record's key, value and headers together (n,)."""
    parts = (columns.keys, columns.values, columns.headers)
    total = np.zeros(columns.offsets.size, np.int64)
    for part in parts:
        total += np.maximum(part.length, 0)
    return total


def normal_array(array: _Array) -> _Array:
    """As `normal`, for one array, without touching the caller's."""
    if array.flags.c_contiguous and not array.flags.writeable:
        return array
    view: _Array = np.ascontiguousarray(array).view()  # type: ignore[assignment]
    return frozen(view)


def nbytes(columns: RecordColumns) -> int:
    """Bytes held: every buffer once, whole, and the arrays."""
    buffers = sum(b.nbytes for b in {id(b): b for b in _buffers(columns)}.values())
    arrays = (columns.offsets, columns.timestamps, columns.header_counts)
    slices = (columns.keys, columns.values, columns.headers)
    return buffers + sum(a.nbytes for a in arrays) + sum(s.start.nbytes + s.length.nbytes for s in slices)


def _buffers(columns: RecordColumns) -> tuple[Bytes, Bytes, Bytes]:
    return columns.keys.buffer, columns.values.buffer, columns.headers.buffer


def _starts(lengths: Int64) -> Int64:
    ends = np.cumsum(np.maximum(lengths, 0))
    starts = np.zeros_like(lengths)
    starts[1:] = ends[:-1]
    return frozen(starts)


def _header_columns(headers: Sequence[Headers]) -> tuple[Slices, Int64]:
    if not any(headers):
        return empty_slices(len(headers)), frozen(np.zeros(len(headers), np.int64))
    counts = np.fromiter(map(len, headers), np.int64, len(headers))
    return slices_of([header_bytes(h) if h else b"" for h in headers]), frozen(counts)


def header_bytes(headers: Headers) -> bytes:
    """Headers as a record batch v2 holds them, without the count: length, name, length, value; -1 is null."""
    parts = []
    for name, value in headers:
        text = name.encode()
        parts += [varint(len(text)), text, varint(NULL if value is None else len(value)), value or b""]
    return b"".join(parts)


def varint(value: int) -> bytes:
    """Zig-zag, seven bits a byte, the lowest first."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _read_headers(data: bytes, count: int) -> Iterator[tuple[str, bytes | None]]:
    at = 0
    for _ in range(count):
        name_length, at = _read_varint(data, at)
        name, at = data[at : at + name_length], at + name_length
        length, at = _read_varint(data, at)
        value = None if length == NULL else data[at : at + length]
        at += max(length, 0)
        yield name.decode(errors="replace"), value


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at
        shift += 7
