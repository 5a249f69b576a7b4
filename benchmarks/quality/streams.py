"""Point 4: one pass over five synthetic streams, judged on held-out vectors, beside batch EM and streaming peers.

A clustering has no likelihood. The one that stands for it is that of the mixture of its cells: weights, means and
covariances of the whole stream's vectors by cell, more than who sees each vector once could know.
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
        for peer in (one for one in available(size.k_means, size.clu_stream, size.seeds) if seed < one.seeds):
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
    stream, known = (learnt - offset) / scale, Sample((asked.vectors - offset) / scale, asked.labels)
    found = []
    for setting in peer.settings:
        centres = peer.learn(stream[: peer.vectors], components, seed, setting)
        index = adjusted_rand_score(known.labels, centres.of(known.vectors))
        found.append(Score(_of_cells(learnt, centres.of(stream), asked.vectors), float(index)))
    return max(found, key=lambda score: score.index)


def _of_cells(learnt: Matrix, cells: Labels, asked: Matrix) -> float:
    """Under the mixture of the cells; a cell of fewer than 2 d vectors counts to the largest."""
    names, numbered, counts = np.unique(cells, return_inverse=True, return_counts=True)
    small = counts < 2 * learnt.shape[1]
    numbered = np.where(small[numbered], counts.argmax(), numbered)
    groups = [learnt[numbered == cell] for cell in range(len(names)) if not small[cell]]
    shares = np.array([len(group) for group in groups]) / len(cells)
    means, covariances = np.stack([g.mean(axis=0) for g in groups]), np.stack([np.cov(g.T) for g in groups])
    return truth.log_likelihood(truth.mixture(shares, means, covariances), asked) / len(asked)
