"""Point 6: a mean that moves by 4 standard deviations over half the stream; every vector is scored before it is learnt.

Ours with half-lives to choose from; batch EM refitted every 1 000 vectors on a window of fixed length, from its last
model, with lengths to choose from. Both begin from the same first vectors, which are not counted.
"""

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import numpy as np
from sklearn.mixture import GaussianMixture

from benchmarks.harness.results import Result
from benchmarks.quality import truth
from benchmarks.quality.truth import Matrix
from streamgmm import StreamingGaussianMixture

FEATURES, COMPONENTS, FAR = 4, 3, 4.0  # standard deviations
BATCH, REFIT, START = 100, 1_000, 2_000
HALF_LIVES = (250, 500, 1_000, 2_000, 4_000, 8_000)
WINDOWS = (500, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000)
PEER = "batch EM on the best window"


class Size(NamedTuple):
    """How much is measured."""

    vectors: int
    seeds: int


def results(size: Size) -> Iterator[Result]:
    """The best half-life beside the best window."""
    streams = [moving(size.vectors, seed) for seed in range(size.seeds)]
    ours = {h: median(_half_life(stream, h, seed) for seed, stream in enumerate(streams)) for h in HALF_LIVES}
    peer = {w: median(_window(stream, w, seed) for seed, stream in enumerate(streams)) for w in WINDOWS}
    half_life, window = max(ours, key=ours.__getitem__), max(peer, key=peer.__getitem__)
    case = f"a mean moves by {FAR:g} standard deviations"
    metric = f"prequential log-likelihood, half-life {half_life:,} beside a window of {window:,}"
    yield (
        Result(case, metric, "nats/vector", ours[half_life])
        .against(PEER, peer[window])
        .at_least(round(peer[window], 4))
    )
    for value, reached in ours.items():
        yield Result(case, f"prequential log-likelihood, half-life {value:,}", "nats/vector", reached)
    for value, reached in peer.items():
        yield Result(case, f"prequential log-likelihood of batch EM, window {value:,}", "nats/vector", reached)


def moving(n: int, seed: int) -> Matrix:
    """The first component's mean moves along its first feature, over the middle half."""
    true = truth.random_mixture(FEATURES, COMPONENTS)
    sample = truth.draw(true, n, np.random.default_rng(seed))
    way = np.clip(np.arange(n) / n * 2 - 0.5, 0, 1) * FAR * np.sqrt(true.covariances[0, 0, 0])
    sample.vectors[:, 0] += np.where(sample.labels == 0, way, 0)
    return sample.vectors


def _half_life(stream: Matrix, half_life: int, seed: int) -> float:
    model = StreamingGaussianMixture(COMPONENTS, batch_size=BATCH, half_life=half_life, random_state=seed)
    model.partial_fit(stream[:START])
    scored = 0.0
    for first in range(START, len(stream), BATCH):
        batch = stream[first : first + BATCH]
        scored += model.score(batch) * len(batch)
        model.partial_fit(batch)
    return scored / (len(stream) - START)


def _window(stream: Matrix, window: int, seed: int) -> float:
    model = GaussianMixture(COMPONENTS, warm_start=True, random_state=seed).fit(stream[:START])
    scored = 0.0
    for first in range(START, len(stream), REFIT):
        batch = stream[first : first + REFIT]
        scored += model.score(batch) * len(batch)
        model.fit(stream[max(0, first + REFIT - window) : first + REFIT])
    return scored / (len(stream) - START)
