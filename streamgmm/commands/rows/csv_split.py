"""A block of CSV into its rows' cells, in compiled code, as Python's `csv` reads it.

A cell in double quotes may hold commas, line ends, and quotes written twice; text behind the closing quote belongs to
the cell; a quote inside a cell that does not begin with one stands for itself. Lines end with \\n or \\r\\n; empty ones
are passed over.
"""

from streamgmm.records.columns import Bytes, Int64
from streamgmm.records.compiled import compiled

OK, WIDTH, CARRIAGE, QUOTE = range(4)  # why it stops before the end of the bytes

_QUOTE, _COMMA, _LF, _CR = 0x22, 0x2C, 0x0A, 0x0D
_CUT, _WRONG = -1, -2  # in place of a place: more bytes are needed, or a line end is none


@compiled
def split(data: Bytes, width: int, last: bool, text: Bytes, start: Int64, length: Int64) -> tuple[int, int, int, int]:
    """Copies the cells' text to `text` and their places to `start` and `length`, row by row.

    `width` is the number of cells that a row must have; 0 takes one row of any width. Without `last` a row that has no
    line end waits for more bytes. Returns the number of rows, the place behind the last of them, a fault of the row
    there, and that row's number of cells (with `width` 0: of the row read).
    """
    at, to, rows = 0, 0, 0
    while at < data.size:
        behind, cells = at, 0
        if data[at] != _LF and data[at] != _CR:
            behind, to, cells = _row(data, at, rows * width, text, to, start, length)
        if behind >= 0:
            behind = _line_end(data, behind, last)
        elif last:
            return rows, at, QUOTE, cells
        if behind == _CUT:
            break
        if behind == _WRONG:
            return rows, at, CARRIAGE, cells
        if cells and width == 0:
            return 1, behind, OK, cells
        if cells and cells != width:
            return rows, at, WIDTH, cells
        at, rows = behind, rows + (cells > 0)
    return rows, at, OK, 0


@compiled
def _row(data: Bytes, at: int, first: int, text: Bytes, to: int, start: Int64, length: Int64) -> tuple[int, int, int]:
    """The place of the line end, the place behind the text, and the number of cells; -1 where a quote is open."""
    cells = 0
    while True:
        begun = to
        at, to = _cell(data, at, text, to)
        if at < 0:
            return _CUT, to, cells
        start[first + cells], length[first + cells] = begun, to - begun
        cells += 1
        if at == data.size or data[at] != _COMMA:
            return at, to, cells
        at += 1


@compiled
def _cell(data: Bytes, at: int, text: Bytes, to: int) -> tuple[int, int]:
    if at < data.size and data[at] == _QUOTE:
        at, to = _quoted(data, at + 1, text, to)
    while 0 <= at < data.size and data[at] != _COMMA and data[at] != _LF and data[at] != _CR:
        text[to] = data[at]
        at, to = at + 1, to + 1
    return at, to


@compiled
def _quoted(data: Bytes, at: int, text: Bytes, to: int) -> tuple[int, int]:
    """The place behind the closing quote, -1 where there is none."""
    while at < data.size:
        if data[at] == _QUOTE:
            at += 1
            if at == data.size or data[at] != _QUOTE:
                return at, to
        text[to] = data[at]
        at, to = at + 1, to + 1
    return _CUT, to


@compiled
def _line_end(data: Bytes, at: int, last: bool) -> int:
    while at < data.size and data[at] == _CR:
        at += 1
    if at == data.size:
        return at if last else _CUT
    return at + 1 if data[at] == _LF else _WRONG
