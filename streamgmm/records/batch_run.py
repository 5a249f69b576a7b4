"""Consecutive record batches, as a fetch brings them, to columns: all records of one partition on one buffer.

Control batches, aborted transactions and records below the wanted position are left out; gaps of compaction and what
was left out count as passed. A last batch that is cut short is left for the next fetch. What is damaged ends the run:
the good records before it are kept, and `Damage` says where and why. Nothing is ever read outside of the bytes.

Which transactions were aborted the broker says beside the bytes, as (producer, first offset). A producer's batches are
left out from that offset on to its abort marker. https://kafka.apache.org/documentation/#recordbatch
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from crc32c import crc32c

from streamgmm.records import batch_scan, codecs, record_parser
from streamgmm.records.batch_scan import (
    ATTRIBUTES,
    BASE,
    COUNT,
    CRC,
    END,
    FIRST_TIME,
    HEADER_SIZE,
    LAST_DELTA,
    MAX_TIME,
    POSITION,
    PRODUCER,
    START,
)
from streamgmm.records.columns import Bytes, Int64, RecordColumns, bytes_of, frozen, string, take

_CODEC, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
_CHECKED = 21  # a batch's checksum covers what lies from here on
_SMALLEST_RECORD = 7  # bytes: seven fields, each of at least one
_ABORT = 0  # type of a marker, the second of the two numbers in its key

Aborted = Sequence[tuple[int, int]]


class Scanned(NamedTuple):
    """A run of batches whose headers have been read, no more."""

    data: Bytes
    headers: Int64  # (batches, batch_scan.FIELDS)
    behind: int  # place behind the last complete batch
    fault: int  # of the batch there: index into batch_scan.FAULTS

    def whole(self) -> "Scanned":
        """The same, where at least one whole batch must be there: if there is none, its length is a fault."""
        if len(self.headers) or self.fault or not self.data.size:
            return self
        return self._replace(fault=batch_scan.CUT)

    def position(self, wanted: int) -> int:
        """The offset behind the batches; `wanted` where there are none."""
        return max(wanted, int(self.headers[-1, POSITION])) if len(self.headers) else wanted


class Damage(NamedTuple):
    """The batch at which a run ends, and why."""

    place: int  # of its first byte
    old: int | None  # its message format, where it is a whole batch of an old one (0 or 1)
    why: str


class Run(NamedTuple):
    """The records of a run; its position is behind everything that was passed."""

    columns: RecordColumns
    damage: Damage | None


class _Bytes(NamedTuple):
    """The records of some batches, unpacked, on one buffer."""

    data: Bytes
    start: Int64  # (batches,)
    end: Int64  # (batches,)


class _Bad(Exception):
    """The batch of that row is damaged."""

    def __init__(self, row: int, why: str) -> None:
        self.row, self.why = row, why
        super().__init__(why)


def scan(data: bytes | bytearray | memoryview) -> Scanned:
    """Read the headers of all complete batches."""
    view = bytes_of(data)
    headers = np.empty((batch_scan.frames(view), batch_scan.FIELDS), np.int64)
    found, behind, fault = batch_scan.scan(view, headers)
    return Scanned(view, frozen(headers[:found]), behind, fault)


def join(runs: Sequence[Scanned]) -> Scanned:
    """Runs that follow one another as one: of each its complete batches, and what is wrong behind the last one."""
    sizes = [run.behind for run in runs]
    starts = np.repeat(np.cumsum(sizes) - sizes, [len(run.headers) for run in runs])
    headers = np.concatenate([run.headers for run in runs])
    headers[:, START] += starts
    headers[:, END] += starts
    last = runs[-1]
    data = np.concatenate([*(run.data[: run.behind] for run in runs[:-1]), last.data])
    return Scanned(frozen(data), frozen(headers), sum(sizes), last.fault)


def read(scanned: Scanned, wanted: int, aborted: Aborted | None, *, check_crcs: bool = True) -> Run:
    """The records from offset `wanted` on. `aborted` None reads uncommitted ones too."""
    headers, damage = scanned.headers, _damage_behind(scanned)
    rows = _kept(scanned, wanted, aborted)
    try:
        if check_crcs:
            _check(scanned)
        columns = _located(scanned, rows)
    except _Bad as bad:
        rest = read(
            scanned._replace(headers=headers[: bad.row], fault=batch_scan.OK), wanted, aborted, check_crcs=False
        )
        if rest.damage is not None:
            return rest
        why = f"the batch at offset {headers[bad.row, BASE]} {bad.why}"
        return Run(rest.columns, Damage(int(headers[bad.row, START]), None, why))
    first = int(np.searchsorted(columns.offsets, wanted))
    columns = take(columns, slice(first, None)) if first else columns
    return Run(columns._replace(position=scanned.position(wanted)), damage)


def _damage_behind(scanned: Scanned) -> Damage | None:
    if scanned.fault == batch_scan.OK:
        return None
    place = scanned.behind
    if scanned.fault == batch_scan.OLD and (version := _old_version(scanned.data[place:].tobytes())) is not None:
        return Damage(place, version, f"it is in message format v{version}")
    if scanned.data.size - place < HEADER_SIZE:
        return Damage(place, None, batch_scan.FAULTS[scanned.fault])
    base = int.from_bytes(scanned.data[place : place + 8].tobytes(), "big", signed=True)
    return Damage(place, None, f"the batch that says its offset is {base}: {batch_scan.FAULTS[scanned.fault]}")


def _old_version(data: bytes) -> int | None:
    """The version of a whole message of format v0 or v1, told by its checksum from a damaged batch."""
    size, version = 12 + int.from_bytes(data[8:12], "big"), data[16]
    whole = version in (0, 1) and zlib.crc32(data[16:size]) == int.from_bytes(data[12:16], "big")
    return version if whole else None


def _kept(scanned: Scanned, wanted: int, aborted: Aborted | None) -> Int64:
    """Rows of the batches that hold records for the reader."""
    headers = scanned.headers
    wanted_ones = (headers[:, POSITION] > wanted) & (headers[:, ATTRIBUTES] & _CONTROL == 0)
    if aborted:
        wanted_ones &= ~_aborted(scanned, aborted)
    return np.flatnonzero(wanted_ones)


def _aborted(scanned: Scanned, aborted: Iterable[tuple[int, int]]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which batches belong to an aborted transaction. A producer leaves the set at its abort marker."""
    headers = scanned.headers
    waiting = sorted(aborted, key=lambda each: each[1], reverse=True)
    producers: set[int] = set()
    out = np.zeros(len(headers), np.bool_)
    columns = (headers[:, POSITION], headers[:, PRODUCER], headers[:, ATTRIBUTES])
    for row, (position, producer, attributes) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        while waiting and waiting[-1][1] < position:
            producers.add(waiting.pop()[0])
        if producer not in producers:
            continue
        if attributes & _CONTROL:
            if _is_abort(scanned, row):
                producers.discard(producer)
        else:
            out[row] = bool(attributes & _TRANSACTIONAL)
    return out


def _is_abort(scanned: Scanned, row: int) -> bool:
    try:
        marker = _located(scanned, np.array([row]))
    except _Bad:
        return False
    key = string(marker.keys, 0) if marker.offsets.size else None
    return key is not None and len(key) >= 4 and int.from_bytes(key[2:4], "big") == _ABORT


def _check(scanned: Scanned) -> None:
    """Raises _Bad at the first batch that does not match its checksum."""
    view = scanned.data.data
    columns = (scanned.headers[:, field].tolist() for field in (START, END, CRC))
    for row, (start, end, wanted) in enumerate(zip(*columns, strict=True)):
        if crc32c(view[start + _CHECKED : end]) != wanted:
            raise _Bad(row, "does not match its checksum")


def _located(scanned: Scanned, rows: Int64) -> RecordColumns:
    """The records of the batches in those rows; on the fetched bytes themselves unless one of the batches is packed."""
    headers = scanned.headers[rows]
    data, starts, ends = _unpacked(scanned, rows)
    if (impossible := headers[:, COUNT] * _SMALLEST_RECORD > ends - starts).any():
        i = int(impossible.argmax())
        raise _Bad(int(rows[i]), f"claims {headers[i, COUNT]} records in {ends[i] - starts[i]} bytes")
    appended = headers[:, ATTRIBUTES] & _LOG_APPEND_TIME != 0
    times = np.where(appended, headers[:, MAX_TIME], headers[:, FIRST_TIME])
    sections = (starts, ends, headers[:, COUNT], headers[:, LAST_DELTA], headers[:, BASE], times, ~appended)
    places = record_parser.places(int(headers[:, COUNT].sum()))
    fault, section, record = batch_scan.locate_all(data, frozen(np.column_stack(sections)), places)
    if fault:
        raise _Bad(int(rows[section]), f"is damaged at record {record}: {record_parser.FAULTS[fault]}")
    return record_parser.columns_at(data, frozen(places), 0)


def _unpacked(scanned: Scanned, rows: Int64) -> _Bytes:
    headers = scanned.headers[rows]
    starts, ends = headers[:, START] + HEADER_SIZE, headers[:, END]
    chosen = headers[:, ATTRIBUTES] & _CODEC
    if not chosen.any():
        return _Bytes(scanned.data, starts, ends)
    parts = []
    for row, start, end, codec in zip(rows.tolist(), starts.tolist(), ends.tolist(), chosen.tolist(), strict=True):
        packed = scanned.data[start:end]
        try:
            parts.append(codecs.unpack(codec, packed.data) if codec else packed)
        except codecs.CodecError as error:
            raise _Bad(row, f"cannot be unpacked: {error}") from error
    sizes = np.array([part.size for part in parts])
    return _Bytes(frozen(np.concatenate(parts)), np.cumsum(sizes) - sizes, np.cumsum(sizes))
