"""What a frozen model says of its own scores, and how far the reference's bear it out.

A tail is hard to learn from a short reference: of one component in ten a thousand vectors are a hundred, and their
scatter, drawn from again and again, looks less round than it is. Where the model is right it knows the law better, from
all that it has learnt. So streams are drawn from what may be true where it is what was learnt (`truths`), with the
memory and the gaps that the reference shows, and what is simulated comes from both: from the reference by the share
that `kept` says, from such a truth by the rest.
"""

import numpy as np

from streamgmm.drift import scores
from streamgmm.drift.e_step import e_step
from streamgmm.drift.scores import Layout, Places
from streamgmm.drift.serial import Memory, noise_of
from streamgmm.drift.truths import Frozen, Truth, truth
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.parameters import shape_of

_NUMBERS = 3_200_000  # scores that are drawn in all, at most
_MOST, _FEWEST = 65_536, 2_000  # vectors
_NONE = 1e-12  # variance of what the model says never happens


def drawn(model: Frozen, sample: Array, memory: Memory, seed: int, number: int = 0) -> Array:
    """Scores (m, p) of a stream from what may be true, with the gaps (NaN) of the sample (n, d); others by number."""
    layout = scores.layout(*shape_of(model.parameters))
    count = int(np.clip(_NUMBERS // layout.size, _FEWEST, _MOST))
    generator = np.random.default_rng([seed, 1, number])
    vectors = _stream(truth(model, generator), memory, count, generator)
    gaps = np.isnan(sample)
    if gaps.any():
        vectors[gaps[np.arange(count) % len(sample)]] = np.nan
    vectors = frozen(vectors)
    output = e_step(model.parameters, model.held, vectors, model.covariance)
    return scores.windows(model.held, vectors, output, 1, np.zeros(layout.size), 0)[0]


def kept(sample: Array, model: Array, layout: Layout, learnt: float, factor: float) -> float:
    """The share of the sample's own law that is kept, given the model's: scores (n, p) and (m, p), in order.

    Their second moments within groups are compared. Where they differ by noise alone, the sample counts by its size
    against the vectors that the model has learnt; where by more, for more (James and Stein 1961). `factor` is how much
    longer the sample's memory makes the noise.
    """
    size = int((np.diff(layout.edges) * (np.diff(layout.edges) + 1) // 2).sum())
    own, ours = (_products(scores - scores.mean(axis=0), layout.edges, size) for scores in (sample, model))
    variance = np.maximum(ours[1] - ours[0] ** 2, _NONE) * (factor / len(sample) + 1 / len(model))
    length = float(((own[0] - ours[0]) ** 2 / variance).sum())
    noise = noise_of(size)
    return float(max(len(sample) / (len(sample) + learnt), 1 - noise / max(length, noise)))


def _stream(of: Truth, memory: Memory, count: int, generator: np.random.Generator) -> Array:
    """Vectors (n, d), each of which follows the last as far as `memory` says."""
    k, d = of.means.shape
    labels = generator.choice(k, size=count, p=of.weights)
    noise = generator.standard_normal((count, d))
    fresh = generator.random(count) >= memory.labels
    fresh[0] = True
    labels = labels[np.flatnonzero(fresh)[np.cumsum(fresh) - 1]]
    _remember(noise, memory.noise)
    vectors = of.means[labels]
    for c in range(k):
        rows = labels == c
        vectors[rows] += np.einsum("ij,nj->ni", of.roots[c], noise[rows])  # a product by BLAS differs by machine
    return np.ascontiguousarray(vectors)


@compiled
def _remember(noise: Array, memory: float) -> None:
    """Let each row (n, d) follow the last, in place; its variance stays."""
    fresh = np.sqrt(1 - memory * memory)
    for n in range(1, len(noise)):
        for i in range(noise.shape[1]):
            noise[n, i] = memory * noise[n - 1, i] + fresh * noise[n, i]


@compiled
def _products(scores: Array, edges: Places, size: int) -> Array:
    """Mean, and mean square, of the products of any two scores of a group: (2, size)."""
    found = np.zeros((2, size))
    for n in range(len(scores)):
        at = 0
        for g in range(len(edges) - 1):
            for i in range(edges[g], edges[g + 1]):
                for j in range(i, edges[g + 1]):
                    product = scores[n, i] * scores[n, j]
                    found[0, at] += product
                    found[1, at] += product * product
                    at += 1
    return found / len(scores)
