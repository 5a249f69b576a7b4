"""What is encoded: a model's assignments of a batch's vectors, and the interface of what writes them."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from streamgmm.records.columns import Int64, Slices

Float64 = NDArray[np.float64]


class Assignments(NamedTuple):
    """What the model said of n vectors in r records."""

    component: Int64  # (n,) id of the most probable component
    responsibilities: Float64  # (n, k)
    log_likelihood: Float64  # (n,) nats
    outlier: NDArray[np.int8]  # (n,) -1 unknown, 0, 1
    ids: Int64  # (k,) of the components, in the order of the responsibilities
    model: Int64  # (r,) M-steps before the record was scored
    generation: int
    ids_version: int
    counts: Int64  # (r,) vectors in each record


class Encoder(Protocol):
    """Writes the values of output records."""

    def encode(self, assignments: Assignments, single: NDArray[np.bool_] | None) -> Slices:
        """One value a record. `single` (r,): the record carried one plain vector; None: all did."""
