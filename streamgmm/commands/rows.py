"""A file's rows as the values and keys of records, some thousand at a time; the file is never held whole.

A CSV row becomes a map of its columns: a cell that reads as a number is one, an empty one is null, any other is text. A
line of JSON lines is a value as it stands. A row of a 2-d .npy becomes an array.
"""

import csv
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import msgspec
import numpy as np

from streamgmm.errors import InputUnusable, SettingsError

Cell = float | int | str | None


class Choice(NamedTuple):
    """What becomes of a row: how a value is written, the column that is the key, the columns written (None: all)."""

    encoding: Literal["msgpack", "json"]
    key: str | None = None
    columns: Sequence[str] | None = None


class Rows(NamedTuple):
    """Some rows in order, and how much of the file has been read after them (0 to 1)."""

    keys: list[bytes | None]
    values: list[bytes]
    read: float


def rows_of(file: Path, choice: Choice, size: int) -> Iterator[Rows]:
    """The file's rows, at most `size` at a time.

    Raises SettingsError for a kind of file or a column that there is not, InputUnusable naming a line that cannot be
    read.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise SettingsError(
            f"{file}: replays {', '.join(_READERS)} files, not {file.suffix or 'files without an ending'}"
        )
    try:
        yield from reader(file, choice, size)
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error


def _csv(file: Path, choice: Choice, size: int) -> Iterator[Rows]:
    with file.open("rb") as raw:
        rows = _cells(raw, file)
        header = next(rows, [])
        key, names = _columns(file, header, choice)
        while cells := list(islice(rows, size)):
            columns = list(zip(*cells, strict=True))
            keys = [None if key is None else text.encode() or None for text in columns[key or 0]]
            yield Rows(keys, _maps({name: columns[i] for i, name in names}, choice), _read(raw, file))


def _cells(raw: BinaryIO, file: Path) -> Iterator[list[str]]:
    """The header's cells and each row's, as many as the header's; an empty line is passed over."""
    reader = csv.reader(_text_lines(raw, file))
    width = 0
    try:
        for cells in reader:
            width = width or len(cells)
            if len(cells) == width:
                yield cells
            elif cells:
                raise InputUnusable(
                    f"{file}, line {reader.line_num}: {len(cells)} cells, but the header names {width} columns"
                )
    except csv.Error as error:
        raise InputUnusable(f"{file}, line {reader.line_num}: not CSV: {error}") from error


def _maps(columns: Mapping[str, Sequence[str]], choice: Choice) -> list[bytes]:
    encode, names = _encoder(choice), list(columns)
    return [encode(dict(zip(names, row, strict=True))) for row in zip(*map(_numbers, columns.values()), strict=True)]


def _numbers(column: Sequence[str]) -> list[Cell]:
    """A column's cells; whole where all of them are integers or numbers, which is ten times as fast as one by one."""
    if not any("_" in text for text in column):
        for number in (int, float):
            with suppress(ValueError):
                return list(map(number, column))
    return [_cell(text) for text in column]


def _text_lines(raw: BinaryIO, file: Path) -> Iterator[str]:
    for number, line in enumerate(raw, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputUnusable(f"{file}, line {number}: not UTF-8 text: {error}") from error


def _columns(file: Path, header: list[str], choice: Choice) -> tuple[int | None, list[tuple[int, str]]]:
    """The key's position, and positions and names of the columns to write."""
    if len(set(header)) < len(header) or not header:
        raise InputUnusable(f"{file}, line 1: the header row must name every column once, not {','.join(header)!r}")
    names = header if choice.columns is None else choice.columns
    for name in [*names, *([choice.key] if choice.key is not None else [])]:
        if name not in header:
            raise SettingsError(f"{file} has no column {name}{_nearest(name, header)}")
    return None if choice.key is None else header.index(choice.key), [(header.index(name), name) for name in names]


def _nearest(name: str, names: list[str]) -> str:
    found = difflib.get_close_matches(name, names, 1)
    return f"; did you mean {found[0]}?" if found else f"; it has {', '.join(names)}"


def _cell(text: str) -> Cell:
    if not text or "_" in text:  # which Python allows inside a number
        return text or None
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        return text


def _json_lines(file: Path, choice: Choice, size: int) -> Iterator[Rows]:
    encode, decode = _encoder(choice), msgspec.json.Decoder().decode
    with file.open("rb") as raw:
        keys: list[bytes | None] = []
        values: list[bytes] = []
        for number, line in enumerate(raw, 1):
            if not (text := line.strip()):
                continue
            try:
                row = decode(text)
                keys.append(None if choice.key is None else _key(row[choice.key]))
                kept = row if choice.columns is None else {name: row[name] for name in choice.columns}
            except (msgspec.DecodeError, RecursionError) as error:
                raise InputUnusable(f"{file}, line {number}: not JSON: {error}") from error
            except (KeyError, TypeError) as error:
                raise InputUnusable(f"{file}, line {number}: not a map with the field {error}") from error
            values.append(text if kept is row and choice.encoding == "json" else encode(kept))
            if len(values) >= size:
                yield Rows(keys, values, _read(raw, file))
                keys, values = [], []
        yield Rows(keys, values, 1.0)


def _key(value: object) -> bytes | None:
    return value.encode() if isinstance(value, str) else None if value is None else msgspec.json.encode(value)


def _npy(file: Path, choice: Choice, size: int) -> Iterator[Rows]:
    if choice.key is not None or choice.columns is not None:
        raise SettingsError(f"{file}: an array has no named columns; --key and --columns are for CSV and JSON lines")
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise InputUnusable(f"{file}: not an array of numbers in numpy's format: {error}") from error
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "fiu":
        raise InputUnusable(f"{file}: must hold a 2-d array of numbers, one vector a row")
    encode = _encoder(choice)
    for start in range(0, len(array), size):
        values = [encode(row) for row in array[start : start + size].tolist()]
        yield Rows([None] * len(values), values, (start + len(values)) / len(array))


def _encoder(choice: Choice) -> Callable[[Any], bytes]:
    encoder = msgspec.msgpack.Encoder() if choice.encoding == "msgpack" else msgspec.json.Encoder()
    return encoder.encode


def _read(raw: BinaryIO, file: Path) -> float:
    return min(raw.tell() / max(file.stat().st_size, 1), 1.0)


_READERS: dict[str, Callable[[Path, Choice, int], Iterator[Rows]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_lines,
    ".npy": _npy,
}
