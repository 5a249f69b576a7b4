"""A walk through JSON in compiled code: finds fields in maps and reads numbers.

`locate` walks through each value once, whole, and leaves to the general decoder whatever it cannot vouch for: damage,
escapes in a key, deep nesting, very long numbers, `NaN` and `Infinity`, which are not JSON. The places that it found
may then be read without looking at the end again: behind every number there is at least one more byte of its map or
array. Grammar: RFC 8259.
"""

import numpy as np

from streamgmm.records import decimal
from streamgmm.records.columns import Bytes, Int64, Slices, bytes_of
from streamgmm.records.compiled import compiled, same_bytes
from streamgmm.records.msgpack_walker import ABSENT, ODD, is_utf8

_DEEPEST = 60  # levels: each is a bit
_LONGEST = 60  # bytes of a number: none that a program writes has more

_NULL, _TRUE, _FALSE = bytes_of(b"null"), bytes_of(b"true"), bytes_of(b"false")
_QUOTE, _BACKSLASH, COMMA, _COLON = 0x22, 0x5C, 0x2C, 0x3A
ARRAY, ARRAY_END, _MAP, _MAP_END = 0x5B, 0x5D, 0x7B, 0x7D


@compiled
def locate(values: Slices, names: Slices, bare: bool, places: Int64) -> None:
    """Sets `places` (n, f + 1) to where the value of each of f names begins in each record, or to ABSENT.

    The last column is the end of the record's value, or ODD where it is left to the general decoder. `bare`: a value
    that is no map is itself the first name's value; otherwise it is ODD. The last of equal keys counts.
    """
    data, count = values.buffer, names.start.size
    for i in range(values.start.size):
        end = values.start[i] + max(values.length[i], 0)
        at = space(data, values.start[i], end)
        for name in range(count + 1):
            places[i, name] = ABSENT
        if at < end and data[at] == _MAP:
            behind = _fields(data, at + 1, end, names, places[i])
        else:
            places[i, 0] = at
            behind = skip(data, at, end) if bare else ODD
        if behind >= 0 and space(data, behind, end) == end:
            places[i, count] = end


@compiled
def _fields(data: Bytes, at: int, end: int, names: Slices, places: Int64) -> int:
    """Walks through a map from behind its brace on; the place behind it or ODD."""
    at = space(data, at, end)
    if at < end and data[at] == _MAP_END:
        return at + 1
    guess, count = 0, names.start.size  # fields mostly keep their order: the next name is tried first
    while True:
        at = space(data, at, end)
        key = at + 1
        at = _skip_text(data, at, end, False)
        if at < 0:
            return ODD
        size = at - 1 - key
        at = _skip_byte(data, at, end, _COLON)
        for tried in range(count):
            name = guess + tried
            if name >= count:
                name -= count
            start = names.start[name]
            if same_bytes(data, key, size, names.buffer[start : start + names.length[name]]):
                places[name] = space(data, at, end)
                guess = name + 1
                break
        at = skip(data, at, end) if at >= 0 else ODD
        if at < 0:
            return ODD
        at = space(data, at, end)
        if at >= end:
            return ODD
        if data[at] == _MAP_END:
            return at + 1
        if data[at] != COMMA:
            return ODD
        at += 1


@compiled
def skip(data: Bytes, at: int, end: int) -> int:  # noqa: PLR0911, PLR0912 - one way out for each thing that is odd
    """The place behind the value that begins at `at` or behind space there, or ODD."""
    maps, depth = np.uint64(0), 0  # a bit for each level, the innermost lowest: whether it is a map
    one = np.uint64(1)
    while True:
        at = space(data, at, end)
        if at >= end:
            return ODD
        opened = data[at] == ARRAY or data[at] == _MAP
        if opened:
            is_map = data[at] == _MAP
            at = space(data, at + 1, end)
            maps, depth = (maps << one) | np.uint64(is_map), depth + 1
            if at >= end or depth > _DEEPEST:
                return ODD
            if data[at] != (_MAP_END if is_map else ARRAY_END):
                at = _skip_key(data, at, end) if is_map else at
                if at < 0:
                    return ODD
                continue
        else:
            at = _skip_scalar(data, at, end)
            if at < 0:
                return ODD
        while depth:
            at = space(data, at, end)
            if at >= end:
                return ODD
            byte, is_map = data[at], maps & one != np.uint64(0)
            at += 1
            if byte == COMMA:
                at = _skip_key(data, space(data, at, end), end) if is_map else at
                break
            if byte != (_MAP_END if is_map else ARRAY_END):
                return ODD
            maps, depth = maps >> one, depth - 1
        if at < 0 or depth == 0:
            return at


@compiled
def space(data: Bytes, at: int, end: int) -> int:
    """The place of the next byte that is no space."""
    while at < end and (data[at] == 0x20 or data[at] == 0x0A or data[at] == 0x0D or data[at] == 0x09):
        at += 1
    return at


@compiled
def _skip_key(data: Bytes, at: int, end: int) -> int:
    """The place behind a key and its colon, or ODD."""
    at = _skip_text(data, at, end, True)
    return _skip_byte(data, at, end, _COLON) if at >= 0 else ODD


@compiled
def _skip_byte(data: Bytes, at: int, end: int, wanted: int) -> int:
    at = space(data, at, end)
    return at + 1 if at < end and data[at] == wanted else ODD


@compiled
def _skip_scalar(data: Bytes, at: int, end: int) -> int:
    byte = data[at]
    if byte == _QUOTE:
        return _skip_text(data, at, end, True)
    if byte == 0x2D or 0x30 <= byte <= 0x39:
        return _skip_number(data, at, end)
    if byte == 0x6E:
        return _skip_word(data, at, end, _NULL)
    return _skip_word(data, at, end, _TRUE if byte == 0x74 else _FALSE)


@compiled
def _skip_word(data: Bytes, at: int, end: int, word: Bytes) -> int:
    whole = word.size <= end - at and same_bytes(data, at, word.size, word)
    return at + word.size if whole else ODD


@compiled
def _skip_number(data: Bytes, at: int, end: int) -> int:
    first = at
    at += data[at] == 0x2D
    whole = at
    at = _skip_digits(data, at, end)
    if at == whole or (data[whole] == 0x30 and at > whole + 1):  # no digit, or a 0 before others
        return ODD
    if at < end and data[at] == 0x2E:
        at = _skip_digits(data, at + 1, end)
        if not 0x30 <= data[at - 1] <= 0x39:
            return ODD
    if at < end and data[at] | 0x20 == 0x65:
        at += 1
        at += at < end and (data[at] == 0x2B or data[at] == 0x2D)
        power = at
        at = _skip_digits(data, at, end)
        if at == power:
            return ODD
    return at if at - first <= _LONGEST else ODD


@compiled
def _skip_digits(data: Bytes, at: int, end: int) -> int:
    place, behind = np.uint64(at), np.uint64(end)  # unsigned: no test for places counted from the end
    while place < behind and np.uint8(data[place] - np.uint8(0x30)) <= 9:
        place += np.uint64(1)
    return np.int64(place)  # type: ignore[return-value]


@compiled
def _skip_text(data: Bytes, at: int, end: int, escapes: bool) -> int:
    """The place behind the text whose quotation mark is at `at`, or ODD."""
    if at >= end or data[at] != _QUOTE:
        return ODD
    at += 1
    first, foreign = at, False
    while at < end:
        byte = data[at]
        if byte == _QUOTE:
            return at + 1 if not foreign or is_utf8(data, first, at) else ODD
        if byte < 0x20 or (byte == _BACKSLASH and not escapes):
            return ODD
        foreign |= byte >= 0x80
        at = _skip_escape(data, at, end) if byte == _BACKSLASH else at + 1
        if at < 0:
            return ODD
    return ODD


@compiled
def _skip_escape(data: Bytes, at: int, end: int) -> int:
    if end - at < 2:
        return ODD
    for byte in (0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74):
        if data[at + 1] == byte:
            return at + 2
    if data[at + 1] != 0x75 or end - at < 6:
        return ODD
    for i in range(at + 2, at + 6):
        lower = data[i] | 0x20
        if not (0x30 <= data[i] <= 0x39 or 0x61 <= lower <= 0x66):
            return ODD
    return at + 6


@compiled
def number(data: Bytes, at: int) -> tuple[float, int]:
    """The number at a place that was walked over, and the next place that is no space; ODD where it is none."""
    kind, bits, at = decimal.read(data, at, data.size)
    value: float = np.float64(bits) if kind == decimal.INTEGER else np.int64(bits).view(np.float64)
    return (value, space(data, at, data.size)) if kind in (decimal.INTEGER, decimal.FLOAT) else (0.0, ODD)


@compiled
def number_or_null(data: Bytes, at: int) -> tuple[float, int]:
    """As `number`; null is NaN."""
    if data[at] == 0x6E:
        return np.nan, space(data, at + 4, data.size)
    return number(data, at)
