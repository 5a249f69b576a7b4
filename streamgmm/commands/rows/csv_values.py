"""Cells to maps, in msgpack or JSON, in compiled code: every cell by itself, then the maps around them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamgmm.commands.rows.cell import NULL, number
from streamgmm.commands.rows.choice import Encoding, encoder
from streamgmm.records.columns import Bytes, Int64, Slices, frozen, normal_slices, slices_of, string, take_slices
from streamgmm.records.compiled import compiled, copy
from streamgmm.records.decimal import FLOAT, INTEGER, OPEN, TEXT
from streamgmm.records.msgpack_writer import write_bytes, write_float64, write_int

Cell = float | int | str | None


class Packed(NamedTuple):
    """Cells with what they were read as."""

    cells: Slices  # (n,)
    kind: NDArray[np.uint8]  # (n,) of `decimal`'s
    value: Int64  # (n,) of an INTEGER; the bits of a FLOAT


class Maps:
    """Rows of these columns as maps."""

    def __init__(self, encoding: Encoding, names: Sequence[str]) -> None:
        self._format = _FORMATS[encoding]
        self._encode = encoder(encoding)
        self._texts = self._format.texts(names)
        self._width = len(names)

    def of(self, cells: Slices) -> Slices:
        """A map a row; the cells stand row behind row."""
        packed = self._packed(normal_slices(cells))
        rows = len(cells.start) // self._width
        out = np.empty(int(packed.length.sum() + rows * self._texts.length.sum()), np.uint8)
        length = np.empty(rows, np.int64)
        _join(packed, self._texts, out, length)
        return Slices(frozen(out), frozen(np.cumsum(length) - length), frozen(length))

    def _packed(self, cells: Slices) -> Slices:
        n = len(cells.start)
        kind, value = np.empty(n, np.uint8), np.empty(n, np.int64)
        self._format.read(cells, kind, value)
        rest = np.flatnonzero(kind == OPEN)
        left = take_slices(cells, rest)
        others = slices_of([self._encode(_cell((string(left, i) or b"").decode())) for i in range(len(rest))])
        out = np.empty(int(self._format.most(cells.length).sum() + others.length.sum()), np.uint8)
        start, length = np.empty(n, np.int64), np.empty(n, np.int64)
        self._format.pack(Packed(cells, frozen(kind), frozen(value)), others, out, start, length)
        return Slices(frozen(out), frozen(start), frozen(length))


class _Format(Protocol):
    """How a cell and a map are written."""

    def texts(self, names: Sequence[str]) -> Slices:
        """What stands before each cell of a row, and behind the last."""

    def most(self, length: Int64) -> Int64:
        """Bytes of each cell at most."""

    def read(self, cells: Slices, kind: NDArray[np.uint8], value: Int64) -> None:
        """Sets what each cell is."""

    def pack(self, packed: Packed, others: Slices, out: Bytes, start: Int64, length: Int64) -> None:
        """Writes the cells; those that are OPEN are `others`, in their order."""


class _Msgpack:
    def texts(self, names: Sequence[str]) -> Slices:
        pack = msgspec.msgpack.encode
        head = pack(dict.fromkeys(names))[: -sum(len(pack(name)) + 1 for name in names)]
        first, *more = map(pack, names)
        return slices_of([head + first, *more, b""])

    def most(self, length: Int64) -> Int64:
        return length + 9

    def read(self, cells: Slices, kind: NDArray[np.uint8], value: Int64) -> None:
        _read(cells, kind, value)

    def pack(self, packed: Packed, others: Slices, out: Bytes, start: Int64, length: Int64) -> None:
        _pack_msgpack(packed, others, out, start, length)


class _Json:
    def texts(self, names: Sequence[str]) -> Slices:
        first, *more = (msgspec.json.encode(name) + b":" for name in names)
        return slices_of([b"{" + first, *(b"," + name for name in more), b"}"])

    def most(self, length: Int64) -> Int64:
        return 6 * length + 4

    def read(self, cells: Slices, kind: NDArray[np.uint8], value: Int64) -> None:
        _read(cells, kind, value)
        _leave_what_json_writes_otherwise(cells, kind)

    def pack(self, packed: Packed, others: Slices, out: Bytes, start: Int64, length: Int64) -> None:
        _pack_json(packed, others, out, start, length)


_FORMATS: dict[Encoding, _Format] = {"msgpack": _Msgpack(), "json": _Json()}


def _cell(text: str) -> Cell:
    """What compiled code left open."""
    try:
        return _integer(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _integer(text: str) -> Cell:
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 64 else float(text)


@compiled
def _read(cells: Slices, kind: NDArray[np.uint8], value: Int64) -> None:
    for i in range(kind.size):
        kind[i], value[i] = number(cells.buffer, cells.start[i], cells.length[i])


@compiled
def _leave_what_json_writes_otherwise(cells: Slices, kind: NDArray[np.uint8]) -> None:
    for i in range(kind.size):
        if (kind[i] == INTEGER or kind[i] == FLOAT) and not _is_json(cells.buffer, cells.start[i], cells.length[i]):
            kind[i] = OPEN


@compiled
def _is_json(data: Bytes, at: int, length: int) -> bool:
    """Whether text that reads as a number is one in JSON as it stands."""
    end = at + length
    at += data[at] == 0x2D
    if not _is_digit(data, at, end) or not _is_digit(data, end - 1, end):
        return False
    if data[at] == 0x30 and _is_digit(data, at + 1, end):
        return False
    for i in range(at, end):  # noqa: SIM110 - compiled code knows no all()
        if data[i] == 0x2E and not _is_digit(data, i + 1, end):
            return False
    return True


@compiled
def _is_digit(data: Bytes, at: int, end: int) -> bool:
    return at < end and 0x30 <= data[at] <= 0x39


@compiled
def _pack_msgpack(packed: Packed, others: Slices, out: Bytes, start: Int64, length: Int64) -> None:
    cells, kind, value = packed
    at, other = 0, 0
    for i in range(kind.size):
        start[i] = at
        if kind[i] == FLOAT:
            at = write_float64(out, at, np.int64(value[i]).view(np.float64))
        elif kind[i] == INTEGER:
            at = write_int(out, at, value[i])
        elif kind[i] == NULL:
            out[at] = 0xC0
            at += 1
        elif kind[i] == TEXT:
            at = _write_text_head(out, at, cells.length[i])
            at = copy(out, at, cells.buffer, cells.start[i], cells.length[i])
        else:
            at = copy(out, at, others.buffer, others.start[other], others.length[other])
            other += 1
        length[i] = at - start[i]


@compiled
def _pack_json(packed: Packed, others: Slices, out: Bytes, start: Int64, length: Int64) -> None:
    cells, kind, _ = packed
    at, other = 0, 0
    for i in range(kind.size):
        start[i] = at
        if kind[i] == FLOAT or kind[i] == INTEGER:
            at = copy(out, at, cells.buffer, cells.start[i], cells.length[i])
        elif kind[i] == NULL:
            for byte in (0x6E, 0x75, 0x6C, 0x6C):
                out[at] = byte
                at += 1
        elif kind[i] == TEXT:
            at = _write_string(out, at, cells.buffer, cells.start[i], cells.length[i])
        else:
            at = copy(out, at, others.buffer, others.start[other], others.length[other])
            other += 1
        length[i] = at - start[i]


@compiled
def _write_string(out: Bytes, at: int, data: Bytes, start: int, length: int) -> int:
    out[at] = 0x22
    at += 1
    for i in range(start, start + length):
        if data[i] < 0x20:
            for byte in (0x5C, 0x75, 0x30, 0x30, 0x30 + (data[i] >> 4), _hexadecimal(data[i] & 0x0F)):
                out[at] = byte
                at += 1
            continue
        if data[i] == 0x22 or data[i] == 0x5C:
            out[at] = 0x5C
            at += 1
        out[at] = data[i]
        at += 1
    out[at] = 0x22
    return at + 1


@compiled
def _hexadecimal(digit: int) -> int:
    return digit + (0x30 if digit < 10 else 0x57)


@compiled
def _join(packed: Slices, texts: Slices, out: Bytes, length: Int64) -> None:
    """Each row's cells with the texts around them."""
    at, width = 0, texts.start.size - 1
    for row in range(length.size):
        begun = at
        for i in range(width):
            at = copy(out, at, texts.buffer, texts.start[i], texts.length[i])
            cell = row * width + i
            at = copy(out, at, packed.buffer, packed.start[cell], packed.length[cell])
        at = copy(out, at, texts.buffer, texts.start[width], texts.length[width])
        length[row] = at - begun


@compiled
def _write_text_head(out: Bytes, at: int, length: int) -> int:
    """Writes the head of a text of `length` bytes and returns the place behind it."""
    if length < 32:
        out[at] = np.uint8(0xA0 | length)
        return at + 1
    size = 0
    while length >> (8 << size):
        size += 1
    out[at] = np.uint8(0xD9 + size)
    return write_bytes(out, at + 1, np.uint64(length), 1 << size)
