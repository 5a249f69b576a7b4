"""The signs that charts are drawn with: block elements, or ASCII where the terminal has no others."""

from typing import NamedTuple


class Glyphs(NamedTuple):
    """`levels` rise from the lowest to the highest."""

    levels: str
    bar: str
    trends: tuple[str, str, str]  # level, rising, falling: indexed by 0, 1, -1
    rail: str
    limit: str
    marker: str


UNICODE = Glyphs("▁▂▃▄▅▆▇█", "█", ("·", "↑", "↓"), "─", "┼", "●")
ASCII = Glyphs("_.-=+*#@", "#", (" ", "^", "v"), "-", "|", "O")


def glyphs_for(encoding: str) -> Glyphs:
    """Those that the encoding can carry."""
    try:
        "".join((UNICODE.levels, UNICODE.bar, *UNICODE.trends, UNICODE.marker)).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return ASCII
    return UNICODE


def sparkline(values: tuple[float, ...], width: int, glyphs: Glyphs) -> str:
    """The newest `width` values, one sign each, from their least to their greatest."""
    shown = values[-width:]
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    steps = len(glyphs.levels) - 1
    span = (high - low) or 1.0
    return "".join(glyphs.levels[round((value - low) / span * steps)] for value in shown)


def gauge(value: float, limit: float, width: int, glyphs: Glyphs) -> str:
    """A rail from 0 to 1.5 limits, the limit marked, the value on it (at its end where it lies beyond)."""

    def place(x: float) -> int:
        return round(min(max(x / limit, 0.0), 1.5) / 1.5 * (width - 1))

    rail = [glyphs.rail] * width
    rail[place(limit)] = glyphs.limit
    rail[place(value)] = glyphs.marker
    return "".join(rail)


def compact(value: float) -> str:
    """Three digits or so: 0.85, 14.0, 106, 12.3k, 1.2e-05."""
    size = abs(value)
    if size and (size < 0.01 or size >= 1e7):
        return f"{value:.1e}"
    if size >= 1000:
        return f"{value / 1000:.3g}k" if size < 1e6 else f"{value / 1e6:.3g}M"
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{value:.{decimals}f}"
