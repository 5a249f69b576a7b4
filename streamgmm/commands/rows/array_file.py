"""A 2-d .npy: every row an array of numbers, written for many rows at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from streamgmm.commands.rows.choice import Choice, Rows, no_keys
from streamgmm.errors import InputUnusable, SettingsError
from streamgmm.records.columns import Bytes, Int64, Slices, bytes_of, frozen, slices_of
from streamgmm.records.compiled import compiled, copy
from streamgmm.records.msgpack_writer import write_int

Matrix = NDArray[Any]


def array_rows(file: Path, choice: Choice, size: int) -> Iterator[Rows]:
    """See `rows_of`."""
    if choice.key is not None or choice.columns is not None:
        raise SettingsError(f"{file}: an array has no named columns; --key and --columns are for CSV and JSON lines")
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise InputUnusable(f"{file}: not an array of numbers in numpy's format: {error}") from error
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiu":
        raise InputUnusable(f"{file}: must hold a 2-d array of numbers, one vector a row")
    write = _json if choice.encoding == "json" else _floats if array.dtype.kind == "f" else _integers
    for start in range(0, len(array), size):
        some = array[start : start + size]
        yield Rows(no_keys(len(some)), write(some), (start + len(some)) / len(array))


def _head(array: Matrix) -> bytes:
    """What stands before the numbers of a row in msgpack."""
    return msgspec.msgpack.encode([0] * array.shape[1])[: -array.shape[1] or None]


def _floats(array: Matrix) -> Slices:
    """In msgpack: float32 stays, all else is float64; every value has the same length."""
    head = _head(array)
    marker, kind = (0xCA, ">f4") if array.dtype.itemsize <= 4 else (0xCB, ">f8")
    rows, width = array.shape
    numbers = np.empty((rows, width, 1 + int(kind[-1])), np.uint8)
    numbers[:, :, 0] = marker
    numbers[:, :, 1:] = array.astype(kind).view(np.uint8).reshape(rows, width, -1)
    out = np.empty((rows, len(head) + numbers[0].size), np.uint8)
    out[:, : len(head)] = bytes_of(head)
    out[:, len(head) :] = numbers.reshape(rows, -1)
    starts = np.arange(rows) * out.shape[1]
    return Slices(frozen(out.reshape(-1)), frozen(starts), frozen(np.full(rows, out.shape[1])))


def _integers(array: Matrix) -> Slices:
    """In msgpack, each in its shortest form; where one has more than 63 bits all are float64."""
    if array.dtype == np.uint64 and array.size and array.max() > np.iinfo(np.int64).max:
        return _floats(array)
    head, numbers = slices_of([_head(array)]), array.astype(np.int64)
    out, length = np.empty(len(array) * head.buffer.size + 9 * array.size, np.uint8), np.empty(len(array), np.int64)
    _write_integers(head, frozen(numbers), out, length)
    return Slices(frozen(out), frozen(np.cumsum(length) - length), frozen(length))


@compiled
def _write_integers(head: Slices, numbers: Matrix, out: Bytes, length: Int64) -> None:
    at = 0
    for row in range(length.size):
        begun = at
        at = copy(out, at, head.buffer, 0, head.length[0])
        for column in range(numbers.shape[1]):
            at = write_int(out, at, numbers[row, column])
        length[row] = at - begun


def _json(array: Matrix) -> Slices:
    """All rows as one array of arrays, which is cut between them."""
    numbers = array.astype(np.float64) if array.dtype.kind == "f" else array
    text = bytes_of(msgspec.json.encode(numbers.tolist()))
    starts = np.flatnonzero(text == ord("["))[1:]
    ends = np.flatnonzero(text == ord("]"))[:-1] + 1
    return Slices(text, frozen(starts), frozen(ends - starts))
