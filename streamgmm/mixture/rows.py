"""What may enter: checked once, at the door."""

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture import bounds
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import Rows
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.pieces import ones


def rows_of(vectors: ArrayLike, weights: ArrayLike | None, n_features: int | None = None) -> Rows:
    """Vectors (n, d) and their weights (n,), finite and not negative; without weights each weighs 1.

    A feature that is NaN is missing.

    Raises ValueError that names the argument and what is wrong with it.
    """
    matrix = bounds.numbers("vectors", vectors)
    if matrix.ndim != 2 or matrix.shape[1] != (n_features or matrix.shape[1]) or matrix.shape[1] == 0:
        raise ValueError(f"vectors has shape {matrix.shape}; it must be (n, {n_features or 'd'}), one row a vector")
    if any_infinite(matrix):
        where = int(np.argmax(np.isinf(matrix).any(axis=1)))
        raise ValueError(f"vectors has infinity in row {where}; it must be finite")
    if weights is None:
        return Rows(matrix, ones(len(matrix)))
    return Rows(matrix, bounds.weights("weights", weights, len(matrix)))


def any_infinite(matrix: Array) -> bool:
    """Whether a matrix as `frozen` gives it holds infinity."""
    return _any_infinite(matrix.reshape(-1))


@compiled
def _any_infinite(values: Array) -> bool:
    count = 0
    for n in range(len(values)):  # over places, not values: that loop would not run over vector registers
        count += abs(values[n]) == np.inf
    return count > 0
