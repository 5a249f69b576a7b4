"""A few of the vectors that a step has scored, for whoever wants to look at some. Nothing that is learnt depends on it.

Which ones are taken follows from how many there are and from the first one's offset, by no generator: one from each of
`MOST` equal stretches, at places that are spread evenly whatever period the stream has (the golden ratio's multiples).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array
from streamgmm.records.columns import Int64

MOST = 64  # vectors of a chunk
_GOLDEN = 0.6180339887498949


class Sample(NamedTuple):
    """Vectors as the model sees them (transforms applied), and what it said of them."""

    vectors: Array  # (m, d)
    responsibilities: Array  # (m, k)
    ids: Int64  # (k,) of the components, in the order of the responsibilities
    outlier: NDArray[np.int8]  # (m,) 1 outlier, 0 not, -1 no reference yet


def taken(sample: Sample, first: int) -> Sample:
    """At most `MOST` of the vectors, copied, so that what they were taken from can be freed."""
    n = len(sample.vectors)
    rows = spread(n, first) if n > MOST else np.arange(n)
    return Sample(sample.vectors[rows], sample.responsibilities[rows], sample.ids, sample.outlier[rows])


def spread(n: int, first: int) -> Int64:
    """`MOST` of n rows (n at least `MOST`), ascending."""
    ends = np.arange(MOST + 1) * n // MOST
    within = ((first + np.arange(MOST)) * _GOLDEN) % 1.0
    rows: Int64 = ends[:-1] + (within * np.diff(ends)).astype(np.int64)
    return rows
