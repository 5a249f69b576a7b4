"""Imputation of missing values."""

import numpy as np
from matplotlib.figure import Figure

from docs.gallery.style import COLOURS, GREY, ellipse, panels, points
from streamgmm import StreamingGaussianMixture

NAME = "gaps"


def draw() -> Figure:
    """Four values of ten of one feature are missing: filled with its mean, and by a model that was fitted with them."""
    generator = np.random.default_rng(2)
    which = generator.integers(2, size=700)
    vectors = np.where(
        which[:, None] == 0,
        generator.multivariate_normal([-2.2, -1.6], [[1.0, 0.85], [0.85, 1.0]], 700),
        generator.multivariate_normal([2.2, 1.2], [[1.2, -1.0], [-1.0, 1.1]], 700),
    )
    missing = generator.uniform(size=700) < 0.4
    gaps = vectors.copy()
    gaps[missing, 1] = np.nan
    mixture = StreamingGaussianMixture(2, n_init=5, random_state=0).fit(gaps)
    plain = np.where(np.isnan(gaps), np.nanmean(gaps, axis=0), gaps)
    figure, (left, right) = panels(2)
    for axes, filled, title in ((left, plain, "the feature's mean"), (right, mixture.impute(gaps), "the mixture")):
        points(axes, vectors[~missing], GREY, alpha=0.45)
        points(axes, filled[missing], COLOURS[3], size=11, alpha=0.9)
        error = np.sqrt(np.square(filled - vectors)[missing, 1].mean())
        axes.set(xticks=[], yticks=[], xlabel="known", title=f"filled by {title}: error {error:.2f}")
    for mean, covariance in zip(mixture.means_, mixture.covariances_, strict=True):
        ellipse(right, mean, covariance, COLOURS[0])
    left.set_ylabel("missing for 4 of 10")
    return figure
