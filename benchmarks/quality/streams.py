"""Point 4: one pass over five synthetic streams, judged on held-out vectors, beside batch EM and streaming peers.

A clustering has no likelihood. The one that stands for it is that of the mixture of its cells: weights, means and
covariances of the held-out vectors themselves by cell, more than a stream could know.
"""

from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import numpy as np
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from benchmarks.harness.results import Result
from benchmarks.quality import one_pass, truth
from benchmarks.quality.peers import Peer, available
from benchmarks.quality.truth import Labels, Matrix, Sample

SHAPES = ((2, 3), (4, 5), (8, 10), (16, 8), (32, 20))  # (D, K)
LESS = 0.01  # nats a vector, and of the index
FIELDS = (("log_likelihood", "held-out log-likelihood", "nats/vector"), ("index", "index", "ARI"))
BATCH_EM = "scikit-learn, batch EM"


class Size(NamedTuple):
    """How much is measured."""

    vectors: int
    held_out: int
    seeds: int
    peer_seeds: int
    k_means: int  # vectors for River's KMeans
    clu_stream: int  # and for its CluStream


class Score(NamedTuple):
    """On held-out vectors."""

    log_likelihood: float  # nats a vector
    index: float


def results(features: int, components: int, size: Size) -> Iterator[Result]:
    """Of one shape."""
    true, case = truth.random_mixture(features, components), f"D {features}, K {components}"
    known, ours, others = list[Score](), list[Score](), dict[str, list[Score]]()
    for seed in range(size.seeds):
        rng = np.random.default_rng([seed, features, components])
        learnt, asked = truth.draw(true, size.vectors, rng).vectors, truth.draw(true, size.held_out, rng)
        known.append(_score(true, asked))
        ours.append(_score(one_pass.learnt(learnt, components, seed), asked))
        others.setdefault(BATCH_EM, []).append(_batch_em(learnt, asked, components, seed))
        for peer in available(size.clu_stream, size.k_means) if seed < size.peer_seeds else ():
            others.setdefault(peer.name, []).append(_best_of(peer, learnt, asked, components, seed))
    yield Result(case, "index of the true model", "ARI", _median(known, "index"))
    for field, metric, unit in FIELDS:
        result = Result(case, metric, unit, _median(ours, field))
        for name, scores in others.items():
            value = _median(scores, field)
            yield result.against(name, value).at_least(round(value - (LESS if name == BATCH_EM else 0), 4))


def _median(scores: list[Score], field: str) -> float:
    return median(getattr(score, field) for score in scores)


def _score(model: truth.Parameters, asked: Sample) -> Score:
    return Score(truth.log_likelihood(model, asked.vectors) / len(asked.labels), truth.index(model, asked))


def _batch_em(learnt: Matrix, asked: Sample, components: int, seed: int) -> Score:
    model = GaussianMixture(components, random_state=seed).fit(learnt)
    index = adjusted_rand_score(asked.labels, model.predict(asked.vectors))
    return Score(float(model.score(asked.vectors)), float(index))


def _best_of(peer: Peer, learnt: Matrix, asked: Sample, components: int, seed: int) -> Score:
    """The setting with the best index, on standardised vectors."""
    offset, scale = learnt.mean(axis=0), learnt.std(axis=0)
    part = (learnt[: peer.vectors] - offset) / scale
    found = [
        _of_cells(asked, peer.make(components, seed, setting)(part, (asked.vectors - offset) / scale))
        for setting in peer.settings
    ]
    return max(found, key=lambda score: score.index)


def _of_cells(asked: Sample, cells: Labels) -> Score:
    """The mixture of the cells; one of fewer than 2 d vectors counts to the largest."""
    names, numbered, counts = np.unique(cells, return_inverse=True, return_counts=True)
    small = counts < 2 * asked.vectors.shape[1]
    numbered = np.where(small[numbered], counts.argmax(), numbered)
    groups = [asked.vectors[numbered == cell] for cell in range(len(names)) if not small[cell]]
    shares = np.array([len(group) for group in groups]) / len(cells)
    means, covariances = np.stack([g.mean(axis=0) for g in groups]), np.stack([np.cov(g.T) for g in groups])
    model = truth.mixture(shares, means, covariances)
    likelihood = truth.log_likelihood(model, asked.vectors) / len(cells)
    return Score(likelihood, float(adjusted_rand_score(asked.labels, cells)))
