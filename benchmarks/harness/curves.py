"""Curves as one picture of small panels, each from zero: what is flat shall look flat."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ACROSS = 3  # panels in a row


class Curve(NamedTuple):
    """Something over what grows: numbers, or names where it does not grow but differs."""

    x_name: str
    y_name: str
    x: Sequence[str]
    y: Sequence[float]


def draw(curves: Sequence[Curve], path: Path) -> None:
    """Write the picture (`.svg`, `.png`)."""
    rows = math.ceil(len(curves) / ACROSS)
    with mpl.rc_context({"svg.hashsalt": "streamgmm", "font.size": 8}):
        figure = Figure(figsize=(3.2 * ACROSS, 2.3 * rows), layout="constrained")
        for axes, curve in zip(figure.subplots(rows, ACROSS, squeeze=False).flat, curves, strict=False):
            _panel(axes, curve)
        for axes in figure.axes[len(curves) :]:
            axes.remove()
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _panel(axes: Axes, curve: Curve) -> None:
    if all(x.isdecimal() for x in curve.x):
        x = [int(value) for value in curve.x]
        axes.plot(x, curve.y, marker="o" if len(x) < 20 else None, color="tab:blue")
        if len(x) < 20:
            axes.set_xscale("log")
            axes.set_xticks(x, curve.x)
            axes.minorticks_off()
    else:
        axes.bar(list(curve.x), list(curve.y), color="tab:blue")
    axes.set(xlabel=curve.x_name, ylabel=curve.y_name)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
