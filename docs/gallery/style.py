"""How the pictures look: no background and mid-grey text, so that they read on a light page and on a dark one.

Colours are those of Okabe and Ito, which the colour-blind tell apart, the blue a little lighter.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from streamgmm.mixture.arrays import Array

PICTURES = Path(__file__).parents[1] / "pictures"
COLOURS = ("#2A8FD0", "#E69F00", "#009E73", "#D55E00")
GREY = "#7D8590"

_LOOK = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.titlesize": 11,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.solid_capstyle": "round",
}


def panels(count: int, height: float = 3.4, ratios: Sequence[float] | None = None) -> tuple[Figure, list[Axes]]:
    """A figure with that many panels side by side."""
    mpl.rcParams.update(_LOOK)
    figure = Figure(figsize=(9.6, height), layout="constrained")
    axes = figure.subplots(1, count, width_ratios=ratios, squeeze=False)[0]
    return figure, list(axes)


def bare(axes: Axes) -> None:
    """Without ticks, and with the same scale both ways."""
    axes.set(xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(False)


def points(axes: Axes, vectors: Array, colours: object, *, size: float = 7, alpha: float = 0.75) -> None:
    """A scatter of vectors (n, 2)."""
    axes.scatter(*vectors.T, s=size, c=colours, alpha=alpha, linewidths=0)


def ellipse(
    axes: Axes, mean: Array, covariance: Array, colour: str, *, deviations: float = 2.0, **look: object
) -> None:
    """Where a component lies: its contour at so many standard deviations."""
    variances, axes_of = np.linalg.eigh(covariance)
    angle = float(np.degrees(np.arctan2(axes_of[1, 1], axes_of[0, 1])))
    height, width = 2 * deviations * np.sqrt(variances)
    patch = {"facecolor": "none", "edgecolor": colour, "linewidth": 1.8} | look
    axes.add_patch(Ellipse(tuple(mean), width, height, angle=angle, **patch))


def save(figure: Figure, name: str) -> Path:
    """Write the picture; the same figure gives the same bytes."""
    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{name}.png"
    figure.savefig(path, dpi=125, transparent=True, metadata={"Software": None})
    return path
