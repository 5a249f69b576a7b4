"""Others that cluster a stream, each tuned in its favour: of its settings the best by the index on held-out vectors.

They say which cluster a vector belongs to, and no probability; River's are Python, a vector at a time, 0.1 to 15 ms
each, so they learn the first vectors of the same stream: many times what their forgetting remembers.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.cluster import MiniBatchKMeans

from benchmarks.quality.truth import Labels, Matrix

try:
    from river import cluster as river
except ImportError:  # the extra `bench` has it
    river = None

BATCH = 512


class Peer(NamedTuple):
    """A way to cluster, with the settings to choose from."""

    name: str
    make: Callable[[int, int, Any], Callable[[Matrix, Matrix], Labels]]  # (k, seed, setting): (learnt, asked) to labels
    settings: Sequence[Any]
    vectors: int | None  # how many it learns at most


def available(clu_stream: int, k_means: int) -> Iterator[Peer]:
    """Those that are installed; River's learn so many vectors at most."""
    yield Peer("MiniBatchKMeans", _mini_batch, (1, 10), None)
    if river is not None:
        yield Peer("River KMeans", _k_means, (0.5, 0.1, 0.02), k_means)
        yield Peer("River CluStream", _clu_stream, (100, 500), clu_stream)


def _mini_batch(k: int, seed: int, n_init: int) -> Callable[[Matrix, Matrix], Labels]:
    """One pass of `partial_fit`, from the k-means++ seeds of the first call."""

    def run(learnt: Matrix, asked: Matrix) -> Labels:
        model = MiniBatchKMeans(k, n_init=n_init, batch_size=BATCH, random_state=seed)
        for first in range(0, len(learnt), 10 * BATCH):
            model.partial_fit(learnt[first : first + 10 * BATCH])
        return np.asarray(model.predict(asked))

    return run


def _k_means(k: int, seed: int, half_life: float) -> Callable[[Matrix, Matrix], Labels]:
    """Centres start normal about 0 with sigma 1, as standardised data are."""
    return lambda learnt, asked: _one_by_one(river.KMeans(k, halflife=half_life, sigma=1, seed=seed), learnt, asked)


def _clu_stream(k: int, seed: int, gap: int) -> Callable[[Matrix, Matrix], Labels]:
    def run(learnt: Matrix, asked: Matrix) -> Labels:
        model = river.CluStream(
            n_macro_clusters=k, max_micro_clusters=max(100, 5 * k), time_gap=gap, seed=seed, sigma=1
        )
        return _one_by_one(model, learnt, asked)

    return run


def _one_by_one(model: Any, learnt: Matrix, asked: Matrix) -> Labels:  # noqa: ANN401
    for row in learnt.tolist():
        model.learn_one(dict(enumerate(row)))
    return np.array([model.predict_one(dict(enumerate(row))) for row in asked.tolist()])
