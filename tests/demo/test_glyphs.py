import pytest

from streamgmm.demo import glyphs
from streamgmm.demo.glyphs import ASCII, UNICODE


def test_a_sparkline_spans_its_range() -> None:
    assert glyphs.sparkline((1.0, 2.0, 3.0), 10, UNICODE) == "▁▅█"
    assert glyphs.sparkline((1.0, 2.0, 3.0), 2, ASCII) == "_@"
    assert glyphs.sparkline((5.0, 5.0), 10, UNICODE) == "▁▁"
    assert glyphs.sparkline((), 10, UNICODE) == ""


@pytest.mark.parametrize(
    ("value", "drawn"),
    [(0.0, "O------|---"), (3.0, "-------O---"), (1.5, "---O---|---"), (99.0, "-------|--O")],
)
def test_a_gauge_marks_limit_and_value(value: float, drawn: str) -> None:
    assert glyphs.gauge(value, 3.0, 11, ASCII) == drawn


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0.00"),
        (0.852, "0.85"),
        (-14.04, "-14.0"),
        (106.4, "106"),
        (12_345.0, "12.3k"),
        (2.5e6, "2.5M"),
        (1.2e-5, "1.2e-05"),
    ],
)
def test_numbers_are_short(value: float, shown: str) -> None:
    assert glyphs.compact(value) == shown


def test_a_terminal_without_block_elements_gets_ascii() -> None:
    assert glyphs.glyphs_for("utf-8") is UNICODE
    assert glyphs.glyphs_for("ascii") is ASCII
    assert glyphs.glyphs_for("no such encoding") is ASCII
    signs = (ASCII.levels, ASCII.bar, *ASCII.trends, ASCII.rail, ASCII.limit, ASCII.marker)
    assert "".join(signs).isascii()
