"""What may enter: checked once, at the door."""

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture import bounds
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import Rows
from streamgmm.mixture.compiled import compiled


def rows_of(vectors: ArrayLike, weights: ArrayLike | None, n_features: int | None = None) -> Rows:
    """Vectors (n, d) and their weights (n,), finite and not negative; without weights each weighs 1.

    A feature that is NaN is missing.

    Raises ValueError that names the argument and what is wrong with it.
    """
    matrix = bounds.numbers("vectors", vectors)
    if matrix.ndim != 2 or matrix.shape[1] != (n_features or matrix.shape[1]) or matrix.shape[1] == 0:
        raise ValueError(f"vectors has shape {matrix.shape}; it must be (n, {n_features or 'd'}), one row a vector")
    if _any_infinite(matrix.reshape(-1)):
        where = int(np.argmax(np.isinf(matrix).any(axis=1)))
        raise ValueError(f"vectors has infinity in row {where}; it must be finite")
    if weights is None:
        return Rows(matrix, frozen(np.ones(len(matrix))))
    return Rows(matrix, bounds.weights("weights", weights, len(matrix)))


@compiled
def _any_infinite(values: Array) -> bool:
    count = 0
    for value in values:
        count += abs(value) == np.inf
    return count > 0
