"""Soft assignment of the points between clusters."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from docs.gallery.style import COLOURS, GREY, bare, ellipse, panels, points
from streamgmm import StreamingGaussianMixture

NAME = "soft"


def draw() -> Figure:
    """Two clusters that overlap: colours mixed as the responsibilities are, and the responsibilities along a line."""
    generator = np.random.default_rng(1)
    vectors = np.concatenate(
        [
            generator.multivariate_normal([-1.3, 0], [[1.3, 0.5], [0.5, 0.8]], 450),
            generator.multivariate_normal([1.5, 0.4], [[0.9, -0.4], [-0.4, 1.1]], 450),
        ]
    )
    mixture = StreamingGaussianMixture(2, random_state=0).fit(vectors)
    order = mixture.means_[:, 0].argsort()
    colours = np.array([to_rgb(colour) for colour in COLOURS[:2]])
    figure, (left, right) = panels(2, ratios=(1.35, 1))
    bare(left)
    points(left, vectors, mixture.predict_proba(vectors)[:, order] @ colours, size=12, alpha=0.85)
    for k, colour in zip(order, COLOURS, strict=False):
        ellipse(left, mixture.means_[k], mixture.covariances_[k], colour)
    left.set_title("each point in the colours of its components")
    line = np.linspace(0, 1, 200)[:, None]
    between = mixture.means_[order[0]] * (1 - line) + mixture.means_[order[1]] * line
    left.plot(*between.T, color=GREY, linestyle=(0, (1, 1.2)), linewidth=3, zorder=3)
    left.scatter(*mixture.means_.T, s=45, color=GREY, zorder=3)
    for share, colour in zip(mixture.predict_proba(between)[:, order].T, COLOURS, strict=False):
        right.plot(line[:, 0], share, color=colour, linewidth=2.4)
    right.set(xlabel="from one centre to the other", ylabel="probability of the component", ylim=(-0.02, 1.02))
    right.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    right.set_title("along the dotted line")
    return figure
