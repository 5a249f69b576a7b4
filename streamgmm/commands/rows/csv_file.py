"""CSV in blocks of a megabyte: bytes to cells to values, without an object a row."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from streamgmm.commands.rows import csv_split
from streamgmm.commands.rows.choice import Choice, Rows, no_keys
from streamgmm.commands.rows.csv_values import Maps
from streamgmm.errors import InputUnusable, SettingsError
from streamgmm.records.columns import NULL, Slices, bytes_of, frozen, string, take_slices

BLOCK = 1 << 20  # bytes read at a time, and more than any one row may have
_BOM = b"\xef\xbb\xbf"


class Table(NamedTuple):
    """Some whole rows: their cells one row behind the other, and how much of the file is read before and after them."""

    cells: Slices  # (rows * width,)
    width: int
    begin: float
    end: float


def csv_rows(file: Path, choice: Choice, size: int) -> Iterator[Rows]:
    """See `rows_of`."""
    with file.open("rb") as raw:
        tables = _Tables(raw, file)
        key, names = _columns(file, tables.header(), choice)
        maps = Maps(choice.encoding, list(names))
        places = np.fromiter(names.values(), np.int64)
        for table in tables.rest():
            count = len(table.cells.start) // table.width
            cells = np.arange(count * table.width).reshape(count, table.width)
            for first in range(0, count, size):
                some = cells[first : first + size]
                keys = no_keys(len(some)) if key is None else _keys(take_slices(table.cells, some[:, key]))
                values = maps.of(take_slices(table.cells, some[:, places].ravel()))
                share = (first + len(some)) / count
                yield Rows(keys, values, table.begin + share * (table.end - table.begin))


class _Tables:
    """A file's blocks, cut at the ends of rows. Raises InputUnusable naming the line that cannot be read."""

    def __init__(self, raw: BinaryIO, file: Path) -> None:
        self.raw, self.file = raw, file
        self.size = max(file.stat().st_size, 1)
        self.data, self.last = b"", False  # what is read and not yet taken; nothing comes behind it
        self.line, self.width, self.taken = 1, 0, 0
        self._read_more()
        self.data = self.data.removeprefix(_BOM)

    def header(self) -> list[str]:
        """The cells of the first row."""
        cells = self._take()
        self.width = len(cells.start)
        return [(string(cells, i) or b"").decode() for i in range(self.width)]

    def rest(self) -> Iterator[Table]:
        """All rows behind the header; those before a faulty one come before its error."""
        while True:
            begin = self.taken / self.size
            cells = self._take()
            if len(cells.start):
                yield Table(cells, self.width, begin, min(self.taken / self.size, 1.0))
            elif self.last:
                return
            if not self.last:
                self._read_more()

    def _read_more(self) -> None:
        more = self.raw.read(BLOCK)
        self.data, self.last = self.data + more, len(more) < BLOCK

    def _take(self) -> Slices:
        """The cells of the whole rows that are there, none where a fault stands before all of them."""
        data = bytes_of(self.data)
        text, start, length = np.empty(data.size, np.uint8), *np.empty((2, data.size + 1), np.int64)
        rows, behind, fault, cells = csv_split.split(data, self.width, self.last, text, start, length)
        if not rows:
            self._refuse(behind, fault, cells)
        self._check_text(self.data[:behind])
        self.line += self.data.count(b"\n", 0, behind)
        self.data, self.taken = self.data[behind:], self.raw.tell() - (len(self.data) - behind)
        used = rows * (self.width or cells)
        return Slices(frozen(text), frozen(start[:used]), frozen(length[:used]))

    def _refuse(self, behind: int, fault: int, cells: int) -> None:
        line = self.line + self.data.count(b"\n", 0, behind)
        at = f"{self.file}, line {line}"
        if fault == csv_split.WIDTH:
            raise InputUnusable(f"{at}: {cells} cells, but the header names {self.width} columns")
        if fault == csv_split.CARRIAGE:
            raise InputUnusable(f"{at}: not CSV: a carriage return that ends no line")
        if fault == csv_split.QUOTE:
            raise InputUnusable(f"{at}: not CSV: a cell's closing quote is missing")
        if len(self.data) - behind > BLOCK:
            raise InputUnusable(f"{at}: not CSV: a row of more than {BLOCK:,} bytes (is a closing quote missing?)")

    def _check_text(self, data: bytes) -> None:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            line = self.line + data.count(b"\n", 0, error.start)
            raise InputUnusable(f"{self.file}, line {line}: not UTF-8 text: {error}") from error


def _columns(file: Path, header: list[str], choice: Choice) -> tuple[int | None, dict[str, int]]:
    """The key's position, and names and positions of the columns to write."""
    if len(set(header)) < len(header) or not header:
        raise InputUnusable(f"{file}, line 1: the header row must name every column once, not {','.join(header)!r}")
    names = header if choice.columns is None else choice.columns
    for name in [*names, *([choice.key] if choice.key is not None else [])]:
        if name not in header:
            raise SettingsError(f"{file} has no column {name}{_nearest(name, header)}")
    return None if choice.key is None else header.index(choice.key), {name: header.index(name) for name in names}


def _nearest(name: str, names: list[str]) -> str:
    found = difflib.get_close_matches(name, names, 1)
    return f"; did you mean {found[0]}?" if found else f"; it has {', '.join(names)}"


def _keys(cells: Slices) -> Slices:
    """An empty cell is no key."""
    return cells._replace(length=frozen(np.where(cells.length == 0, NULL, cells.length)))
