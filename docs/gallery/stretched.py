"""k-means against the mixture on stretched clusters."""

import numpy as np
from matplotlib.figure import Figure
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from docs.gallery.style import COLOURS, bare, ellipse, panels, points
from streamgmm import StreamingGaussianMixture

NAME = "stretched"
_COUNT = 300  # vectors of each cluster


def draw() -> Figure:
    """Three long parallel clusters: k-means cuts across them, the mixture finds them."""
    generator = np.random.default_rng(4)
    turn = np.array([[0.9, 0.45], [-0.45, 0.9]])
    truth = np.repeat(np.arange(3), _COUNT)
    vectors = (
        generator.normal(size=(3 * _COUNT, 2)) * [3.4, 0.42] + np.array([[0, -2.1], [0, 0], [0, 2.1]])[truth]
    ) @ turn
    clusters = KMeans(3, n_init=10, random_state=0).fit_predict(vectors)
    mixture = StreamingGaussianMixture(3, n_init=10, init_params="k-means++", random_state=0).fit(vectors)
    figure, (left, right) = panels(2)
    for axes, labels, title in ((left, clusters, "k-means"), (right, mixture.labels_, "mixture")):
        bare(axes)
        points(axes, vectors, np.array(COLOURS)[labels])
        axes.set_title(f"{title}: adjusted Rand index {adjusted_rand_score(truth, labels):.2f}")
    for mean, covariance, colour in zip(mixture.means_, mixture.covariances_, COLOURS, strict=False):
        ellipse(right, mean, covariance, colour)
    return figure
