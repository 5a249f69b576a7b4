"""What is looked at beside the alarm: outliers, how sure the assignments are, where in their components vectors lie.

The stream against the reference, like what may alarm; but each of these is slower to see a change than a statistic that
does, and with them the joint limits would have to be higher. They say what kind of change it is.

The reference's own are means over its vectors. The stream's follow it as averages that forget, and begin where the
reference's are. Every `EVERY`-th vector is looked at closely; they are counted, so how the stream is cut changes
nothing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.drift.scores import has_gaps
from streamgmm.drift.transform import BINS, Margins, transform
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.compiled import compiled

EVERY = 32  # vectors
SPAN = 256  # closely looked at, that an average remembers
UNKNOWN = np.int8(-1)  # an outlier flag without a reference, or of a vector with gaps
OUTLIER_SPAN = 8192  # vectors that the outlier rate remembers


class Closely(NamedTuple):
    """Means over vectors that were looked at closely."""

    vectors: int  # so far
    entropy: float  # of the assignments: H(r), nats, 0 to log k
    shares: Array  # (d, b) of the features' transforms by bin


class Diagnosis(NamedTuple):
    """The stream, and what is usual."""

    usual: Closely
    now: Closely | None = None  # None until the reference is complete
    outliers: float = 0.0  # share of the vectors that are less likely than the reference's quantile
    wait: int = 0  # vectors until the next that is looked at closely


def init(features: int) -> Diagnosis:
    """Nothing seen yet: uniform transforms, which count as one vector."""
    return Diagnosis(Closely(0, 0.0, frozen(np.full((features, BINS), 1 / BINS))))


class Seen(NamedTuple):
    """Vectors under the frozen model."""

    vectors: Array  # (n, d)
    responsibilities: Array  # (n, k)

    def part(self, start: int, stop: int) -> "Seen":
        """Rows `start` to `stop` of them."""
        return Seen(self.vectors[start:stop], self.responsibilities[start:stop])


def gather(diagnosis: Diagnosis, margins: Margins, seen: Seen) -> Diagnosis:
    """Take in vectors of the reference."""
    usual = _look(diagnosis.usual, diagnosis.wait, margins, seen, 0.0)
    return diagnosis._replace(usual=usual, wait=_later(diagnosis.wait, seen))


def complete(diagnosis: Diagnosis, outlier_quantile: float) -> Diagnosis:
    """The reference is complete: the stream begins where it is."""
    return diagnosis._replace(now=diagnosis.usual, outliers=outlier_quantile)


def follow(diagnosis: Diagnosis, margins: Margins, seen: Seen, outlier: NDArray[np.int8]) -> Diagnosis:
    """Take in vectors of the stream, and which of them are outliers (n,); -1 is not known."""
    assert diagnosis.now is not None  # noqa: S101 - the reference is complete
    now = _look(diagnosis.now, diagnosis.wait, margins, seen, 1 / SPAN)
    outliers = _share(diagnosis.outliers, outlier, 1 / OUTLIER_SPAN)
    return diagnosis._replace(now=now, outliers=outliers, wait=_later(diagnosis.wait, seen))


@compiled
def flagged(vectors: Array, log_likelihood: Array, below: float, known_from: int) -> NDArray[np.int8]:
    """(n,) 1 for a vector less likely than `below`, 0 for another; not known of the first ones, nor where gaps are."""
    flags = np.full(len(vectors), UNKNOWN)
    for n in range(known_from, len(vectors)):
        flags[n] = log_likelihood[n] < below
    if has_gaps(vectors):
        for n in range(known_from, len(vectors)):
            if has_gaps(vectors[n : n + 1]):
                flags[n] = UNKNOWN
    return flags


def _later(wait: int, seen: Seen) -> int:
    return (wait - len(seen.vectors)) % EVERY


def _look(closely: Closely, first: int, margins: Margins, seen: Seen, rate: float) -> Closely:
    """`rate` 0 is the plain mean."""
    shares = np.array(closely.shares)
    vectors, responsibilities = frozen(seen.vectors), frozen(seen.responsibilities)
    entropy = _advance(margins, vectors, responsibilities, first, (closely.vectors, rate, closely.entropy), shares)
    return Closely(closely.vectors + len(range(first, len(vectors), EVERY)), entropy, frozen(shares))


@compiled
def _advance(
    margins: Margins,
    vectors: Array,
    responsibilities: Array,
    first: int,
    mean: tuple[int, float, float],
    shares: Array,
) -> float:
    """The mean entropy after the vectors; `shares` are changed in place."""
    count, rate, entropy = mean
    for n in range(first, len(vectors), EVERY):
        step = max(rate, 1.0 / (count + 2.0))
        own = 0.0
        for r in responsibilities[n]:
            if r > 1e-9:
                own -= r * np.log(r)
        entropy += max(rate, 1.0 / (count + 1.0)) * (own - entropy)
        for i in range(vectors.shape[1]):
            if not np.isnan(vectors[n, i]):
                u = transform(margins, vectors[n, i], responsibilities[n], i)
                for b in range(BINS):
                    shares[i, b] -= step * shares[i, b]
                shares[i, min(max(int(u * BINS), 0), BINS - 1)] += step
        count += 1
    return entropy


@compiled
def _share(share: float, flags: NDArray[np.int8], rate: float) -> float:
    """The share of 1 among 0 and 1, as an average that forgets."""
    for flag in flags:
        if flag >= 0:
            share += rate * (flag - share)
    return share
