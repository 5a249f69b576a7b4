"""The reference: a frozen model, and what is gathered of its scores on vectors that it has not learnt."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.drift.scores import Layout, layout
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.parameters import Parameters, shape_of

SAMPLE = 4096  # vectors that are kept to draw from, the first of the reference


class Reference(NamedTuple):
    """A frozen model. `version` counts the references of a model, from 1."""

    parameters: Parameters
    ids: NDArray[np.int64]  # (k,) of its components
    version: int
    steps: int  # M-steps that had made it
    learnt: float  # effective number of vectors it was learnt from


class Gathering(NamedTuple):
    """What has been seen of the reference's own scores so far."""

    windows: int
    total: Array  # (p,) sum of the scores over all windows
    sample: NDArray[np.float32]  # (m, d) the first vectors
    lowest: Array  # ascending: the lowest log-likelihoods, as many as the outlier quantile needs
    vectors: int = 0  # that the reference is to have; 0: none has been seen
    outlier_quantile: float = 0.0


def layout_of(reference: Reference) -> Layout:
    """The layout of the reference's scores."""
    return layout(*shape_of(reference.parameters))


def begin(reference: Reference) -> Gathering:
    """Nothing seen yet."""
    n_features = shape_of(reference.parameters)[1]
    empty = np.zeros((0, n_features), np.float32)
    empty.flags.writeable = False
    return Gathering(0, frozen(np.zeros(layout_of(reference).size)), empty, frozen(np.zeros(0)))


def gather(
    gathering: Gathering, windows: Array, vectors: Array, scores: Array, *, size: int, outlier_quantile: float
) -> Gathering:
    """Take in the sums of complete windows (m, p), and vectors (n, d) with their log-likelihoods (n,).

    `size` and `outlier_quantile` are the same for all of a reference: what is kept depends on them.
    """
    total, keep = gathering.total, int(outlier_quantile * size) + 1
    for window in windows:
        total = total + window
    lowest = np.sort(np.concatenate([gathering.lowest, scores]))[:keep]
    room = max(SAMPLE - len(gathering.sample), 0)
    sample = np.concatenate([gathering.sample, vectors[:room].astype(np.float32)]) if room else gathering.sample
    sample.flags.writeable = False
    seen = gathering.windows + len(windows)
    return Gathering(seen, frozen(total), sample, frozen(lowest), size, outlier_quantile)
