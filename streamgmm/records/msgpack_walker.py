"""A walk through msgpack in compiled code: finds fields in maps and reads numbers, whatever the layout.

`locate` walks through each value once, whole: every length is checked against the value's end, text must be UTF-8,
nothing may lie behind the value. What it cannot vouch for (a map key that is no text, an unknown extension, damage) it
leaves to the general decoder. The places that it found may then be read without looking at the end again.
Format: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

import numpy as np

from streamgmm.records.columns import Bytes, Int64, Slices
from streamgmm.records.compiled import compiled, unsigned

MAX_DEPTH = 100  # nesting; deeper values are refused, as a decoder's own limit depends on where it is called from
ABSENT = -1
ODD = -1  # in place of a position: left to the general decoder
DEEP = -2

_ARRAY, _MAP, TEXT, _BYTES, _EXTENSION, _NEVER = -1, -2, -3, -4, -5, -6  # behind TEXT: nobody looks inside


def _sizes() -> Int64:
    """For each first byte the bytes behind it, or what kind of thing of variable size begins there."""
    sizes = np.zeros(256, np.int64)
    sizes[0x80:0x90], sizes[0x90:0xA0], sizes[0xA0:0xC0] = _MAP, _ARRAY, TEXT
    sizes[0xC1], sizes[0xC4:0xC7], sizes[0xC7:0xCA], sizes[0xD4:0xD9] = _NEVER, _BYTES, _EXTENSION, _EXTENSION
    sizes[[0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF, 0xD0, 0xD1, 0xD2, 0xD3]] = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8]
    sizes[0xD9:0xDC], sizes[0xDC:0xDE], sizes[0xDE:0xE0] = TEXT, _ARRAY, _MAP
    return sizes


_SIZES = _sizes()


def room() -> Int64:
    """Where `skip` keeps what is left of each level: entries, and whether they are a map's."""
    return np.empty((MAX_DEPTH + 1, 2), np.int64)


@compiled
def head(data: Bytes, at: int, end: int) -> tuple[int, int, int]:  # noqa: PLR0911 - one for each form
    """Kind, length (entries or bytes) and the place behind the head; ODD for the place where it runs past the end."""
    if at >= end:
        return 0, 0, ODD
    marker = data[at]
    kind = _SIZES[marker]
    at += 1
    if kind >= 0:
        return kind, kind, at
    if marker < 0xA0:
        return kind, marker & 0x0F, at
    if marker < 0xC0:
        return kind, marker & 0x1F, at
    if 0xD4 <= marker <= 0xD8:
        return kind, 1 << (marker - 0xD4), at
    size = _length_size(marker)
    if size == 0 or at + size > end:
        return kind, 0, ODD
    length: int = np.int64(unsigned(data, at, size))  # type: ignore[assignment]
    return kind, length, at + size


@compiled
def _length_size(marker: int) -> int:
    """Bytes of the length behind a first byte; 0 for the one that the format never uses."""
    if marker >= 0xDC:
        return 2 if marker & 1 == 0 else 4
    if marker >= 0xD9:
        return 1 << (marker - 0xD9)
    if marker >= 0xC7:
        return 1 << (marker - 0xC7)
    return 1 << (marker - 0xC4) if marker >= 0xC4 else 0


@compiled
def skip(data: Bytes, at: int, end: int, text_keys: bool, left: Int64) -> int:  # noqa: PLR0911, PLR0912 - one way out for each kind
    """The place behind the value at `at`, ODD, or DEEP. `left` is `room()` to work in.

    `text_keys`: a map key that is no text is ODD.
    """
    kind, length, behind = head(data, at, end)
    if kind == _ARRAY or kind >= 0:  # what nearly every value is: a number, or an array of numbers
        behind, rest = _skip_numbers(data, at if kind >= 0 else behind, end, 1 if kind >= 0 else length)
        if rest == 0:
            return behind if behind <= end else ODD
    depth = 0
    left[0, 0], left[0, 1] = 1, 0
    while True:
        while left[depth, 0] == 0:
            if depth == 0:
                return at
            depth -= 1
        left[depth, 0] -= 1
        kind, length, at = head(data, at, end)
        if at < 0:
            return ODD
        if text_keys and left[depth, 1] and left[depth, 0] & 1 and kind != TEXT:
            return ODD
        if kind in (_ARRAY, _MAP):
            depth += 1
            if depth > MAX_DEPTH:
                return DEEP
            left[depth, 1] = kind == _MAP
            left[depth, 0] = 2 * length if kind == _MAP else length
            continue
        if kind == _EXTENSION:
            if not _plain_extension(data, at, length, end):
                return ODD
            length += 1
        if length > end - at:
            return ODD
        if kind == TEXT and not is_utf8(data, at, at + length):
            return ODD
        at += length


@compiled
def _skip_numbers(data: Bytes, at: int, end: int, count: int) -> tuple[int, int]:
    """Skips up to `count` things of fixed size; the place behind them, perhaps past the end, and how many are left."""
    while count > 0 and at < end:
        size = _SIZES[data[np.uint64(at)]]
        if size < 0:
            break
        at += 1 + size
        count -= 1
    return at, count


@compiled
def _plain_extension(data: Bytes, at: int, length: int, end: int) -> bool:
    """An extension that is no timestamp, or one whose every value is a time."""
    return at < end and (data[at] != 0xFF or length == 4)


@compiled
def is_utf8(data: Bytes, at: int, end: int) -> bool:
    """Whether the bytes are UTF-8 (no overlong forms, no surrogates; Unicode 15, table 3-7)."""
    while at < end:
        byte = data[at]
        at += 1
        if byte < 0x80:
            continue
        if byte < 0xC2 or byte > 0xF4:
            return False
        more = 1 + (byte >= 0xE0) + (byte >= 0xF0)
        if more > end - at:
            return False
        low = 0xA0 if byte == 0xE0 else 0x90 if byte == 0xF0 else 0x80
        high = 0x9F if byte == 0xED else 0x8F if byte == 0xF4 else 0xBF
        if data[at] < low or data[at] > high:
            return False
        for i in range(1, more):
            if data[at + i] & 0xC0 != 0x80:
                return False
        at += more
    return True


@compiled
def locate(values: Slices, names: Slices, bare: bool, left: Int64, places: Int64) -> None:
    """Sets `places` (n, f + 1) to where the value of each of f names begins in each record, or to ABSENT.

    The last column is the end of the record's value, or ODD where it is left to the general decoder. `bare`: a value
    that is no map is itself the first name's value; otherwise it is ODD. The last of equal keys counts.
    """
    data, starts, lengths = values.buffer, values.start, values.length
    texts, text_starts, text_lengths = names.buffer, names.start, names.length
    count = text_starts.size
    for i in range(starts.size):
        at, end = starts[i], starts[i] + lengths[i]
        for name in range(count + 1):
            places[i, name] = ABSENT
        kind, length, behind = head(data, at, end)
        if behind < 0:
            continue
        if kind != _MAP:
            places[i, 0] = at
            behind = skip(data, at, end, True, left) if bare else ODD
            length = 0
        guess = 0  # fields mostly keep their order: the next name is tried first
        for _ in range(length):
            kind, size, key = head(data, behind, end)
            if key < 0 or kind != TEXT or size > end - key or not is_utf8(data, key, key + size):
                behind = ODD
                break
            behind = key + size
            for tried in range(count):
                name = guess + tried
                if name >= count:
                    name -= count
                if text_lengths[name] == size and _equal(data, key, texts, text_starts[name], size):
                    places[i, name] = behind
                    guess = name + 1
                    break
            behind = skip(data, behind, end, True, left)
            if behind < 0:
                break
        if behind == end:
            places[i, count] = end


@compiled
def _equal(data: Bytes, at: int, other: Bytes, start: int, size: int) -> bool:
    for i in range(size):  # noqa: SIM110 - compiled code knows no all()
        if data[at + i] != other[start + i]:
            return False
    return True


@compiled
def float_of(bits: np.uint64) -> float:
    """The float64 of these bits."""
    value: float = np.uint64(bits).view(np.float64)
    return value


@compiled
def float64_at(data: Bytes, at: int) -> float:
    """The float64 of 8 bytes, the highest first; written out, so that it compiles to one load."""
    p, eight = np.uint64(at), np.uint64(8)
    bits = np.uint64(data[p])
    bits = (bits << eight) | np.uint64(data[p + np.uint64(1)])
    bits = (bits << eight) | np.uint64(data[p + np.uint64(2)])
    bits = (bits << eight) | np.uint64(data[p + np.uint64(3)])
    bits = (bits << eight) | np.uint64(data[p + np.uint64(4)])
    bits = (bits << eight) | np.uint64(data[p + np.uint64(5)])
    bits = (bits << eight) | np.uint64(data[p + np.uint64(6)])
    bits = (bits << eight) | np.uint64(data[p + np.uint64(7)])
    return float_of(bits)


@compiled
def number(data: Bytes, at: int) -> tuple[float, int]:  # noqa: PLR0911 - one for each type
    """The number of any type at a place that was walked over, and the place behind it; ODD where it is none."""
    marker = data[at]
    if marker == 0xCB:
        return float64_at(data, at + 1), at + 9
    if marker == 0xCA:
        return np.float64(np.uint32(unsigned(data, at + 1, 4)).view(np.float32)), at + 5
    if marker < 0x80:
        return np.float64(marker), at + 1
    if marker >= 0xE0:
        return np.float64(np.int64(marker) - 256), at + 1
    if 0xCC <= marker <= 0xCF:
        size = 1 << (marker - 0xCC)
        return np.float64(unsigned(data, at + 1, size)), at + 1 + size
    if 0xD0 <= marker <= 0xD3:
        size = 1 << (marker - 0xD0)
        shift = np.int64(64 - 8 * size)
        raw = np.int64(unsigned(data, at + 1, size)) << shift
        return np.float64(raw >> shift), at + 1 + size
    return 0.0, ODD


@compiled
def number_or_nil(data: Bytes, at: int) -> tuple[float, int]:
    """As `number`; nil is NaN."""
    return (np.nan, at + 1) if data[at] == 0xC0 else number(data, at)
