"""Curves over time as SVG elements, drawn from numbers alone."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from streamgmm.commands.report.story import Span, at
from streamgmm.drift.words import compact

_WIDTH, _HEIGHT = 720.0, 150.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 8.0, 8.0, 22.0
_LEAST = 6.0  # of an alarm that would be too narrow to be seen
COLOURS = 8  # that curves may have, as the page's style names them: c0, c1, ...


class Curve(NamedTuple):
    """Values at times (ms); None where there is none: the curve is broken there."""

    points: Sequence[tuple[int, float | None]]
    colour: int = 0  # its number, below COLOURS


class Frame(NamedTuple):
    """The times shown (ms), and the alarms in them."""

    start: int
    end: int
    alarms: Sequence[Span]


def picture(name: str, curves: Sequence[Curve], frame: Frame, *, limit: float | None = None) -> Element:
    """One chart with the time from left to right; `limit` is a dashed line; alarms are shaded."""
    values = [v for curve in curves for _, v in curve.points if v is not None and math.isfinite(v)]
    low, high = _range([*values, *(() if limit is None else (0.0, limit * 1.2))])
    box = f"0 0 {_WIDTH:g} {_HEIGHT:g}"
    svg = Element("svg", {"viewBox": box, "role": "img", "aria-label": name, "xmlns": "http://www.w3.org/2000/svg"})

    def x(time: int) -> float:
        inside = (time - frame.start) / (frame.end - frame.start) if frame.end > frame.start else 0.5
        return _LEFT + min(max(inside, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    for span in frame.alarms:
        _shade(
            svg, x(frame.start if span.start is None else span.start), x(frame.end if span.end is None else span.end)
        )
    for value in (low, high):
        _line(svg, (_LEFT, _WIDTH - _RIGHT), y(value), "axis")
        _text(svg, _LEFT - 4, y(value) + 4, compact(value), "end")
    for time, anchor in ((frame.start, "start"), (frame.end, "end")):
        _text(svg, x(time), _HEIGHT - 6, at(time), anchor)
    if limit is not None:
        _line(svg, (_LEFT, _WIDTH - _RIGHT), y(limit), "limit")
    for curve in curves:
        for part in _unbroken(curve.points):
            points = " ".join(f"{x(time):.1f},{y(value):.1f}" for time, value in part)
            kind = "curve dot" if len(set(part)) == 1 else "curve"
            SubElement(svg, "polyline", {"points": points, "class": f"{kind} c{curve.colour}"})
    return svg


def _range(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if high > low:
        return low, high
    room = abs(low) / 10 or 1.0
    return (low - room if low else 0.0), high + room


def _unbroken(points: Sequence[tuple[int, float | None]]) -> Iterator[list[tuple[int, float]]]:
    part: list[tuple[int, float]] = []
    for time, value in points:
        if value is None or not math.isfinite(value):
            if part:
                yield part
            part = []
        else:
            part.append((time, value))
    if part:
        yield part if len(part) > 1 else [part[0], part[0]]


def _shade(svg: Element, left: float, right: float) -> None:
    wide = max(right - left, _LEAST)
    left, width = min(left, _WIDTH - _RIGHT - wide), f"{wide:.1f}"
    at_ = {"x": f"{left:.1f}", "y": f"{_TOP:g}", "width": width, "height": f"{_HEIGHT - _TOP - _BOTTOM:g}"}
    SubElement(svg, "rect", {**at_, "class": "alarm"})


def _line(svg: Element, ends: tuple[float, float], y: float, kind: str) -> None:
    at_ = {"x1": f"{ends[0]:g}", "x2": f"{ends[1]:g}", "y1": f"{y:.1f}", "y2": f"{y:.1f}"}
    SubElement(svg, "line", {**at_, "class": kind})


def _text(svg: Element, x: float, y: float, said: str, anchor: str) -> None:
    SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}).text = said
