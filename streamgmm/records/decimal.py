"""Decimal text to the nearest float64 in compiled code, as Python's own `float` and `int` read it.

Up to 19 digits are exact in 64 bits. Where digits and power of ten are exact as floats one product or quotient rounds
rightly; else the digits are multiplied by 128 bits of the power of five (Lemire, "Number parsing at a gigabyte per
second", 2021). The few that this does not decide, longer ones, infinities and NaN are left to Python.
"""

import numpy as np
from numpy.typing import NDArray

from streamgmm.records.columns import Bytes, frozen
from streamgmm.records.compiled import compiled

TEXT, INTEGER, FLOAT, OPEN = range(4)  # what a text is: no number, a number, or left to Python

_DIGITS = 19  # of any value fit into 64 bits
_LEAST, _MOST = -342, 308  # powers of ten beyond which every number of 19 digits is 0 or infinite
_EXACT = np.uint64(1 << 53)  # integers up to here are exact as float64
_LOW = np.uint64(0xFFFFFFFF)
_TENS = frozen(np.array([10.0**i for i in range(23)]))  # exact


def _fives() -> NDArray[np.uint64]:
    """The first 128 bits of 5**q for each q, in two halves: cut off for q >= 0, rounded up below."""
    out = []
    for q in range(_LEAST, _MOST + 1):
        power = 5 ** abs(q)
        bits = power.bit_length()
        whole = (power << 128 >> bits) if q >= 0 else ((1 << (bits + 127)) // power + 1)
        whole = whole if whole < 1 << 128 else whole >> 1
        out.append((whole >> 64, whole & (1 << 64) - 1))
    return frozen(np.array(out, np.uint64))


_FIVES = _fives()


@compiled
def read(data: Bytes, at: int, end: int) -> tuple[int, int, int]:
    """What begins at `at`, its value (an INTEGER as such, a FLOAT as its bits), and the place behind it."""
    negative = at < end and data[at] == 0x2D
    if at < end and (data[at] == 0x2D or data[at] == 0x2B):
        at += 1
    begin = at
    at, value, digits = _digits(data, at, end, np.uint64(0), 0)
    count, exponent, whole = at - begin, 0, True
    if at < end and data[at] == 0x2E:
        whole = False
        point = at + 1
        at, value, digits = _digits(data, point, end, value, digits)
        count, exponent = count + at - point, point - at
    if count == 0:
        return TEXT, 0, at
    if at < end and data[at] | 0x20 == 0x65:
        at, power = _power(data, at + 1, end)
        exponent, whole = exponent + power, False
    if at < 0:  # an e without a number behind it
        return TEXT, 0, at
    if digits > _DIGITS or (whole and digits == _DIGITS):
        return OPEN, 0, at
    if whole:
        return INTEGER, int(-np.int64(value) if negative else np.int64(value)), at
    kind, bits = _float(value, exponent, negative)
    return kind, bits, at


@compiled
def _digits(data: Bytes, at: int, end: int, value: np.uint64, digits: int) -> tuple[int, np.uint64, int]:
    """Reads digits on top of `value`; `digits` counts those behind the first that is not 0. Above 19 it overflows."""
    place, behind = np.uint64(at), np.uint64(end)  # unsigned: no test for places counted from the end
    while not digits and place < behind and data[place] == 0x30:
        place += np.uint64(1)
    first = place
    while place < behind:
        digit = np.uint8(data[place] - np.uint8(0x30))
        if digit > 9:
            break
        value = value * np.uint64(10) + np.uint64(digit)
        place += np.uint64(1)
    return np.int64(place), value, digits + np.int64(place - first)  # type: ignore[return-value]


@compiled
def _power(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The exponent and the place behind it; -1 for the place where there is none."""
    negative = at < end and data[at] == 0x2D
    if at < end and (data[at] == 0x2D or data[at] == 0x2B):
        at += 1
    begin, power = at, 0
    while at < end and 0x30 <= data[at] <= 0x39:
        power = min(power * 10 + int(data[at] - 0x30), 100_000)
        at += 1
    return (-1 if at == begin else at), -power if negative else power


@compiled
def _float(value: np.uint64, exponent: int, negative: bool) -> tuple[int, int]:
    if value == 0:
        bits = np.uint64(0)
    elif value <= _EXACT and -22 <= exponent <= 22:
        exact = np.float64(value)
        exact = exact * _TENS[exponent] if exponent >= 0 else exact / _TENS[-exponent]
        bits = np.float64(exact).view(np.uint64)
    elif _LEAST <= exponent <= _MOST:
        bits = _nearest(value, exponent)
        if bits == 0:
            return OPEN, 0
    else:
        return OPEN, 0
    return FLOAT, int(np.int64(bits | (np.uint64(negative) << np.uint64(63))))


@compiled
def _nearest(value: np.uint64, exponent: int) -> np.uint64:
    """Bits of the float64 nearest to value * 10**exponent; 0 where 128 bits do not decide, or it is not normal."""
    shift = _leading_zeros(value)
    value <<= np.uint64(shift)
    row = exponent - _LEAST
    upper, lower = _product(value, _FIVES[row, 0])
    if upper & np.uint64(0x1FF) == np.uint64(0x1FF):
        more, _ = _product(value, _FIVES[row, 1])
        lower += more
        upper += np.uint64(lower < more)
    if lower == np.uint64(0xFFFFFFFFFFFFFFFF) and not -27 <= exponent <= 55:
        return np.uint64(0)
    top = upper >> np.uint64(63)
    dropped = top + np.uint64(9)
    mantissa = upper >> dropped
    power = ((217706 * exponent) >> 16) + 1086 + np.int64(top) - shift
    half_way = lower <= np.uint64(1) and -4 <= exponent <= 23 and mantissa << dropped == upper
    if half_way and mantissa & np.uint64(3) == np.uint64(1):  # to the even one of its two neighbours
        mantissa &= ~np.uint64(1)
    mantissa = (mantissa + (mantissa & np.uint64(1))) >> np.uint64(1)
    if mantissa >> np.uint64(53):
        mantissa >>= np.uint64(1)
        power += 1
    if not 0 < power < 0x7FF:
        return np.uint64(0)
    return (np.uint64(power) << np.uint64(52)) | (mantissa & np.uint64((1 << 52) - 1))


@compiled
def _product(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The upper and the lower 64 bits of a * b."""
    half = np.uint64(32)
    low = (a & _LOW) * (b & _LOW)
    middle = (a >> half) * (b & _LOW) + (low >> half)
    other = (a & _LOW) * (b >> half) + (middle & _LOW)
    upper = (a >> half) * (b >> half) + (middle >> half) + (other >> half)
    return upper, (other << half) | (low & _LOW)


@compiled
def _leading_zeros(value: np.uint64) -> int:
    zeros = 0
    for bits in (32, 16, 8, 4, 2, 1):
        if value >> np.uint64(64 - bits) == np.uint64(0):
            value <<= np.uint64(bits)
            zeros += bits
    return zeros
