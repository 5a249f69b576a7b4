"""Others that cluster a stream, each tuned in its favour: of its settings the best by the index on held-out vectors.

They say which cluster a vector belongs to, and no probability: the one whose centre is nearest. River's are Python, a
vector at a time, so they learn the first vectors of the same stream, and these are many times what they remember:
KMeans moves a centre by a share of 2 % or more, so it forgets a vector within some hundred of its cluster; CluStream
drops what is older than its window, 1 000 vectors, and takes 2 to 45 ms for each.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.cluster.vq import vq
from sklearn.cluster import MiniBatchKMeans

from benchmarks.quality.truth import Labels, Matrix

try:
    from river import cluster as river
except ImportError:  # the extra `bench` has it
    river = None

BATCH = 512


class Centres(NamedTuple):
    """A clustering: a vector belongs to the cluster that the nearest of the m centres belongs to."""

    places: Matrix  # (m, d)
    clusters: Labels  # (m,)

    def of(self, vectors: Matrix) -> Labels:
        """The cluster of each vector."""
        return self.clusters[vq(vectors, self.places)[0]]


class Peer(NamedTuple):
    """A way to cluster, with the settings to choose from."""

    name: str
    learn: Callable[[Matrix, int, int, Any], Centres]  # vectors, k, seed, setting
    settings: Sequence[Any]
    vectors: int | None  # how many it learns at most
    seeds: int


def available(k_means: int, clu_stream: int, seeds: int) -> Iterator[Peer]:
    """Those that are installed; River's learn so many vectors at most, and CluStream, the slowest, has one seed."""
    yield Peer("MiniBatchKMeans", _mini_batch, (1, 10), None, seeds)
    if river is not None:
        yield Peer("River KMeans", _k_means, (0.5, 0.1, 0.02), k_means, seeds)
        yield Peer("River CluStream", _clu_stream, (100, 500), clu_stream, 1)


def _mini_batch(vectors: Matrix, k: int, seed: int, n_init: int) -> Centres:
    """One pass of `partial_fit`, from the k-means++ seeds of the first call."""
    model = MiniBatchKMeans(k, n_init=n_init, batch_size=BATCH, random_state=seed)
    for first in range(0, len(vectors), 10 * BATCH):
        model.partial_fit(vectors[first : first + 10 * BATCH])
    return Centres(model.cluster_centers_, np.arange(k))


def _k_means(vectors: Matrix, k: int, seed: int, half_life: float) -> Centres:
    """Centres start normal about 0 with sigma 1, as standardised data are."""
    model = river.KMeans(k, halflife=half_life, sigma=1, seed=seed)
    _one_by_one(model, vectors)
    return Centres(_places(model.centers.values(), vectors.shape[1]), np.arange(k))


def _clu_stream(vectors: Matrix, k: int, seed: int, gap: int) -> Centres:
    """Its micro-clusters, each with the cluster that it predicts for its centre."""
    micro = max(100, 5 * k)
    model = river.CluStream(n_macro_clusters=k, max_micro_clusters=micro, time_gap=gap, seed=seed, sigma=1)
    _one_by_one(model, vectors)
    places = _places((cluster.center for cluster in model.micro_clusters.values()), vectors.shape[1])
    return Centres(places, np.array([model.predict_one(dict(enumerate(row))) for row in places.tolist()]))


def _one_by_one(model: Any, vectors: Matrix) -> None:  # noqa: ANN401
    for row in vectors.tolist():
        model.learn_one(dict(enumerate(row)))


def _places(centres: Any, features: int) -> Matrix:  # noqa: ANN401
    return np.array([[centre[feature] for feature in range(features)] for centre in centres])
