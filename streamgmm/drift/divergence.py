"""How far two distributions over the components lie apart: model against reference, for diagnosis, never to alarm."""

import numpy as np
from numpy.typing import NDArray

_FLOOR = 1e-4  # a share below this counts as this: an index of a vanished component stays finite


def population_stability_index(weights: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """sum (p - q) log(p / q) of the weights (k,) against the reference's (k,), in nats; 0 or above.

    Both are floored at 1e-4 and made to sum to 1 again. Source: Siddiqi 2006, "Credit Risk Scorecards"; it is the
    symmetric Kullback-Leibler divergence (Jeffreys 1946).
    """
    p, q = (np.maximum(w, _FLOOR) / np.maximum(w, _FLOOR).sum() for w in (weights, reference))
    return float(np.sum((p - q) * np.log(p / q)))
