"""Numbers in decimal text: the same as Python's own, or left to it."""

import struct
from typing import cast

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamgmm.commands.rows.cell import NULL, number
from streamgmm.records.columns import bytes_of
from streamgmm.records.decimal import FLOAT, INTEGER, OPEN, TEXT

PATTERN = r"[ \t]?[-+]?[0-9]{0,22}(\.[0-9]{0,22})?([eE][-+]?[0-9]{0,4})?[ \n]?"
SPREAD = st.floats(allow_nan=False).map(repr)
HALVES = st.integers(1 << 51, 1 << 53).map(lambda i: f"{i}.5")  # exactly between two floats
LONG = st.tuples(st.integers(1 << 53, 1 << 63), st.integers(-40, 40)).map("{0[0]}e{0[1]}".format)


def read(text: str) -> tuple[int, int]:
    data = bytes_of(text.encode())
    return number(data, 0, data.size)


def bits(value: float) -> int:
    return cast(int, struct.unpack("<q", struct.pack("<d", value))[0])


def expected(text: str) -> tuple[int, int]:
    try:
        return INTEGER, int(text)
    except ValueError:
        pass
    try:
        return FLOAT, bits(float(text))
    except ValueError:
        return TEXT, 0


@settings(max_examples=2000, deadline=None)
@given(SPREAD | HALVES | LONG | st.from_regex(PATTERN, fullmatch=True).filter(bool))
@example("9007199254740993")
@example("1e22")
@example("-0.0")
@example("2.2250738585072011e-308")
@example("1.7976931348623157e308")
def test_numbers_are_pythons(text: str) -> None:
    kind, value = read(text)
    assert kind == OPEN or (kind, value) == expected(text)


def test_nearly_nothing_is_left_to_python() -> None:
    drawn = np.random.default_rng(1).normal(0, 100, 2000).tolist()
    texts = [*map(repr, drawn), *map("{:.18e}".format, drawn)]
    assert sum(read(text)[0] == OPEN for text in texts) < len(texts) / 100


@pytest.mark.parametrize(
    ("text", "kind"),
    [("", NULL), (" ", TEXT), ("1_0", TEXT), ("many", TEXT), ("2024-01-02", TEXT), ("nan", OPEN), ("-inf", OPEN)],
)
def test_what_is_no_number(text: str, kind: int) -> None:
    assert read(text) == (kind, 0)
