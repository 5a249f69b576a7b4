"""What was scored since the last M-step and waits to be learnt.

Statistics are summed over fixed blocks of 256 rows, counted from the batch's start. Full blocks are kept as their
sums, the rows of the unfinished block as they are. So the state stays small, and it has the same bits however the
rows were cut into calls.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import BLOCK, Batch, Model, Output, Rows
from streamgmm.mixture.effective_size import add_squares
from streamgmm.mixture.kernel import Kernel, accumulate
from streamgmm.mixture.moments import Sums


class Pending(NamedTuple):
    """A batch that is not complete."""

    sums: Sums  # over its full blocks
    rows: Array  # (m, d), m < 256: the unfinished block
    weights: Array  # (m,)
    squares: float = 0.0  # of the weights of all rows, summed


def nothing(shape: tuple[int, int], kernel: Kernel) -> Pending:
    """A batch at its start, for a model of `shape` (k, d)."""
    n_components, n_features = shape
    mean, scatter = np.zeros(shape), np.zeros(kernel.shape(n_components, n_features))
    sums = Sums(0.0, frozen(np.zeros(n_components)), frozen(mean), frozen(scatter))
    return Pending(sums, frozen(np.zeros((0, n_features))), frozen(np.zeros(0)))


def add(pending: Pending, model: Model, rows: Rows, kernel: Kernel) -> tuple[Pending, Output]:
    """Score the rows under the model, which must be that of the whole batch, and add them to the batch."""
    carried = Rows(pending.rows, pending.weights)
    total = len(pending.weights) + len(rows.weights)
    complete = total - total % BLOCK
    sums, output = accumulate(kernel, model, pending.sums, Batch(carried, rows, complete))
    squares = add_squares(pending.squares, rows.weights)
    return Pending(sums, *_rest(carried, rows, total - complete), squares), output


def close(pending: Pending, model: Model, kernel: Kernel) -> Sums:
    """The sums over the whole batch, its unfinished block filled up with rows of weight 0."""
    if not len(pending.weights):
        return pending.sums
    carried, none = Rows(pending.rows, pending.weights), Rows(pending.rows[:0], pending.weights[:0])
    sums, _ = accumulate(kernel, model, pending.sums, Batch(carried, none, complete=BLOCK))
    return sums


def _rest(carried: Rows, rows: Rows, count: int) -> Rows:
    """The last `count` rows, copied so that they do not hold on to the caller's buffer."""
    new = min(count, len(rows.weights))
    first, old = len(rows.weights) - new, len(carried.weights) - (count - new)
    return Rows(
        frozen(np.concatenate([carried.vectors[old:], rows.vectors[first:]])),
        frozen(np.concatenate([carried.weights[old:], rows.weights[first:]])),
    )
