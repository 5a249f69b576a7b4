"""Kafka's record batch format v2 (KIP-98): bytes to columns and back.

A batch is a header of 61 bytes and its records, packed by one of four codecs or not at all. The header's CRC-32C
covers everything behind itself. Offsets and timestamps of the records are relative to the header's; a broker sets the
base offset without touching the rest. A batch's last offset may lie beyond its last record's (compaction), and a
control batch holds a transaction's marker and no records: both count as passed.

Whatever the bytes are, `parse` gives records or raises BadBatch; it never reads outside of them.
Format: https://kafka.apache.org/documentation/#recordbatch
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from crc32c import crc32c

from streamgmm.records import codecs, record_parser
from streamgmm.records.columns import RecordColumns, bytes_of, empty, frozen, normal

Buffer = bytes | bytearray | memoryview

_HEADER = struct.Struct(">qiibIhiqqqhii")
_FRAME = struct.Struct(">qi")  # base offset and length, common to all versions
_MAGIC = 16  # place of the version
_CRC = 17
_CHECKED = 21  # the CRC covers what lies from here on
_SMALLEST_RECORD = 7  # bytes: seven fields, each of at least one
_LARGEST = 2**63 - 1

_CODEC, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20


class BadBatch(ValueError):
    """A record batch is damaged or of an old version; the message says what is wrong with it."""


class RecordTooLarge(ValueError):
    """A record does not fit into a batch of the allowed size, however it is cut."""

    def __init__(self, row: int, size: int, max_bytes: int) -> None:
        self.row, self.size = row, size
        super().__init__(f"record {row} needs a batch of {size} bytes; {max_bytes} are allowed")


class BatchHeader(NamedTuple):
    """The fields of a batch's header as they are written."""

    base_offset: int
    length: int  # bytes behind this field
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return _FRAME.size + self.length

    @property
    def position(self) -> int:
        """The first offset behind the batch."""
        return self.base_offset + self.last_offset_delta + 1

    @property
    def codec(self) -> int:
        """Index into `codecs.NAMES`."""
        return self.attributes & _CODEC

    @property
    def is_log_append_time(self) -> bool:
        """The broker has set the time: `max_timestamp` holds for every record."""
        return bool(self.attributes & _LOG_APPEND_TIME)

    @property
    def is_transactional(self) -> bool:
        """The batch belongs to a transaction of its producer."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """The batch is a transaction's marker, without records for a reader."""
        return bool(self.attributes & _CONTROL)


class Batch(NamedTuple):
    """A written batch: base offset 0, no producer, CRC set. `stamp` sets the rest."""

    data: bytearray
    count: int  # type: ignore[assignment]  # hides tuple.count
    first_row: int  # the row of its first record in the columns


def batches(data: Buffer) -> Iterator[memoryview]:
    """The complete batches of a fetched buffer, each as a view; a last one that is cut short is left out.

    Raises BadBatch where a length cannot be, after the batches before it.
    """
    view, at = memoryview(data), 0
    while len(view) - at >= _CHECKED:
        base_offset, length = _FRAME.unpack_from(view, at)
        if length < _CHECKED - _FRAME.size:
            raise BadBatch(f"the batch at offset {base_offset} has a length of {length} bytes")
        end = at + _FRAME.size + length
        if end > len(view):
            return
        yield view[at:end]
        at = end


def read_header(data: Buffer, start: int = 0) -> BatchHeader:
    """The header at `start`. Raises BadBatch where it is cut short, contradicts itself or is of an old version."""
    if len(data) - start > _MAGIC and data[start + _MAGIC] != 2:
        raise BadBatch(
            f"message format v{data[start + _MAGIC]} is not supported, only v2 (brokers before 4.0 may hold older "
            "ones: let the producer write the topic anew)"
        )
    if len(data) - start < _HEADER.size:
        raise BadBatch(f"a batch header is cut short: {len(data) - start} of {_HEADER.size} bytes")
    header = BatchHeader._make(_HEADER.unpack_from(data, start))
    if header.size < _HEADER.size or header.count < 0 or header.last_offset_delta < 0:
        raise BadBatch(
            f"a batch header contradicts itself: length {header.length}, {header.count} records, "
            f"last offset delta {header.last_offset_delta}"
        )
    if header.base_offset < 0 or header.position > _LARGEST:
        raise BadBatch(f"a batch header has an impossible base offset: {header.base_offset}")
    return header


def parse(batch: Buffer, *, check_crc: bool = True) -> RecordColumns:
    """The records of one batch, on the batch's own bytes unless it is packed; none for a control batch.

    Raises BadBatch, which says what is wrong.
    """
    header, view = read_header(batch), memoryview(batch)
    if header.size != len(view):
        raise BadBatch(f"the batch at offset {header.base_offset} has {len(view)} bytes, its header says {header.size}")
    if check_crc and crc32c(view[_CHECKED:]) != header.crc:
        raise BadBatch(f"the batch at offset {header.base_offset} does not match its checksum")
    if header.is_control:
        return empty(header.position)
    try:
        return _records(header, view)
    except codecs.CodecError as error:
        raise BadBatch(f"the batch at offset {header.base_offset}: {error}") from error


def _records(header: BatchHeader, view: memoryview) -> RecordColumns:
    if header.codec:
        data, start = frozen(codecs.unpack(header.codec, view[_HEADER.size :])), 0
    else:
        data, start = bytes_of(view), _HEADER.size
    if header.count * _SMALLEST_RECORD > data.size - start:
        raise BadBatch(
            f"the batch at offset {header.base_offset} claims {header.count} records in {data.size - start} bytes"
        )
    places = record_parser.places(header.count)
    fault, row = record_parser.locate(data, start, data.size, header.last_offset_delta, places, 0, header.count)
    if fault:
        raise BadBatch(f"the batch at offset {header.base_offset}, record {row}: {record_parser.FAULTS[fault]}")
    places[record_parser.OFFSET] += header.base_offset
    if header.is_log_append_time:
        places[record_parser.TIMESTAMP] = header.max_timestamp
    else:
        places[record_parser.TIMESTAMP] += header.first_timestamp
    return record_parser.columns_at(data, frozen(places), header.position)


def write(
    columns: RecordColumns, *, max_bytes: int, transactional: bool = False, codec: codecs.Codec = "none"
) -> list[Batch]:
    """The records in as few batches as go into `max_bytes` each (before packing); their offsets become 0, 1, ...

    Raises RecordTooLarge, which names the row of a record that needs a larger batch for itself.
    """
    columns = normal(columns)
    written, first, n = [], 0, columns.offsets.size
    while first < n:
        count, size = record_parser.measure(columns, first, max_bytes - _HEADER.size)
        if not count:
            raise RecordTooLarge(first, size + _HEADER.size, max_bytes)
        data = bytearray(_HEADER.size + size)
        record_parser.fill(columns, first, count, np.frombuffer(data, np.uint8, offset=_HEADER.size))
        data, attributes = _packed(data, codec)
        times = columns.timestamps[first : first + count]
        _HEADER.pack_into(
            data,
            0,
            0,
            len(data) - _FRAME.size,
            -1,
            2,
            0,
            attributes,
            count - 1,
            times[0],
            times.max(),
            -1,
            -1,
            -1,
            count,
        )
        batch = Batch(data, count, first)
        stamp(batch, transactional=transactional)
        written.append(batch)
        first += count
    return written


def _packed(data: bytearray, codec: codecs.Codec) -> tuple[bytearray, int]:
    """The batch with its records packed, where that makes it smaller, and the codec's number."""
    if codec == "none":
        return data, 0
    packed = codecs.pack(codec, memoryview(data)[_HEADER.size :])
    if len(packed) >= len(data) - _HEADER.size:
        return data, 0
    return bytearray(_HEADER.size) + packed, codecs.NAMES.index(codec)


def stamp(
    batch: Batch,
    *,
    base_offset: int | None = None,
    producer_id: int = -1,
    producer_epoch: int = -1,
    base_sequence: int = -1,
    transactional: bool = False,
) -> None:
    """Sets who writes the batch and where it goes, in place, and the CRC anew. A base offset of None is kept."""
    header = read_header(batch.data)
    attributes = (header.attributes & ~_TRANSACTIONAL) | (_TRANSACTIONAL if transactional else 0)
    stamped = header._replace(
        base_offset=header.base_offset if base_offset is None else base_offset,
        attributes=attributes,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=base_sequence,
    )
    _HEADER.pack_into(batch.data, 0, *stamped)
    struct.pack_into(">I", batch.data, _CRC, crc32c(memoryview(batch.data)[_CHECKED:]))
