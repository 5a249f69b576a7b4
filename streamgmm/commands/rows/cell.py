"""What a cell of a table holds: nothing, text, or a number as Python's own `float` and `int` read it."""

from streamgmm.records.columns import Bytes
from streamgmm.records.compiled import compiled
from streamgmm.records.decimal import OPEN, TEXT, read

NULL = 4  # an empty cell, beside the kinds of `decimal`


@compiled
def number(data: Bytes, start: int, length: int) -> tuple[int, int]:
    """What the text is, and its value: an INTEGER as such, a FLOAT as its bits."""
    if length == 0:
        return NULL, 0
    at, end = _stripped(data, start, start + length)
    kind, value, behind = read(data, at, end)
    if kind == TEXT:  # nan and infinity begin so
        at += at < end and (data[at] == 0x2D or data[at] == 0x2B)
        return (OPEN if at < end and data[at] | 0x20 in (0x6E, 0x69) else TEXT), 0
    return (kind, value) if behind == end else (TEXT, 0)


@compiled
def _stripped(data: Bytes, at: int, end: int) -> tuple[int, int]:
    while at < end and _is_space(data[at]):
        at += 1
    while at < end and _is_space(data[end - 1]):
        end -= 1
    return at, end


@compiled
def _is_space(byte: int) -> bool:
    return byte == 0x20 or 0x09 <= byte <= 0x0D
