"""What was scored since the last M-step and waits to be learnt.

Statistics are summed over fixed blocks of 256 rows, counted from the batch's start. Full blocks are kept as their
sums, the rows of the unfinished block as they are. So the state stays small, and it has the same bits however the
rows were cut into calls. Rows with missing features are not in blocks but in sums of their own (see `missing`).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from streamgmm.mixture import missing
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import BLOCK, Batch, Model, Output, Rows
from streamgmm.mixture.effective_size import add_squares
from streamgmm.mixture.kernel import Kernel, accumulate
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.sums import joined


class Pending(NamedTuple):
    """A batch that is not complete."""

    sums: Sums  # over its full blocks
    rows: Array  # (m, d), m < 256: the unfinished block
    weights: Array  # (m,)
    squares: float = 0.0  # of the weights of all rows, summed
    gaps: Sums | None = None  # over the rows with missing features; None as long as there is none
    background: float = 0.0  # weight that belongs to the background, not to the rows here


@lru_cache(maxsize=64)  # a value like any other, made once for each M-step
def nothing(shape: tuple[int, int], kernel: Kernel) -> Pending:
    """A batch at its start, for a model of `shape` (k, d)."""
    n_features = shape[1]
    return Pending(_no_sums(shape, kernel), frozen(np.zeros((0, n_features))), frozen(np.zeros(0)))


def add(pending: Pending, model: Model, rows: Rows, kernel: Kernel) -> tuple[Pending, Output]:
    """Score the rows under the model, which must be that of the whole batch, and add them to the batch."""
    pending = pending._replace(squares=add_squares(pending.squares, rows.weights))
    parts = missing.split(rows)
    if parts is None:
        return _add_complete(pending, model, rows, kernel)
    pending, complete = _add_complete(pending, model, parts.complete, kernel)
    before = pending.gaps or _no_sums((len(model.means), model.means.shape[1]), kernel)
    gaps, incomplete = missing.accumulate(kernel, model, before, parts.incomplete)
    return pending._replace(gaps=gaps), missing.together(parts, complete, incomplete)


def at_once(model: Model, rows: Rows, kernel: Kernel) -> tuple[Sums, Output]:
    """Score rows that are a batch by themselves: their sums, and what is known of each."""
    parts, before = missing.split(rows), _no_sums((len(model.means), model.means.shape[1]), kernel)
    complete = rows if parts is None else parts.complete
    carried = Rows(complete.vectors[:0], complete.weights[:0])
    blocks = (len(complete.weights) + BLOCK - 1) // BLOCK
    sums, output = accumulate(kernel, model, before, Batch(carried, complete, blocks * BLOCK))
    if parts is None:
        return sums, output
    gaps, incomplete = missing.accumulate(kernel, model, before, parts.incomplete)
    return joined(sums, gaps), missing.together(parts, output, incomplete)


def close(pending: Pending, model: Model, kernel: Kernel) -> Sums:
    """The sums over the whole batch, its unfinished block filled up with rows of weight 0."""
    sums = pending.sums
    if len(pending.weights):
        carried = _carried(pending)
        none = Rows(carried.vectors[:0], carried.weights[:0])
        sums, _ = accumulate(kernel, model, sums, Batch(carried, none, complete=BLOCK))
    return sums if pending.gaps is None else joined(sums, pending.gaps)


def _add_complete(pending: Pending, model: Model, rows: Rows, kernel: Kernel) -> tuple[Pending, Output]:
    carried = _carried(pending)
    total = len(pending.weights) + len(rows.weights)
    complete = total - total % BLOCK
    sums, output = accumulate(kernel, model, pending.sums, Batch(carried, rows, complete))
    rest = _rest(carried, rows, total - complete)
    return pending._replace(sums=sums, rows=rest.vectors, weights=rest.weights), output


def _carried(pending: Pending) -> Rows:
    """The unfinished block as the kernels take it: arrays of a copied or unpickled state can be written to."""
    return Rows(frozen(pending.rows), frozen(pending.weights))


def _no_sums(shape: tuple[int, int], kernel: Kernel) -> Sums:
    return Sums(0.0, *(frozen(np.zeros(size)) for size in (shape[:1], shape, kernel.shape(*shape))))


def _rest(carried: Rows, rows: Rows, count: int) -> Rows:
    """The last `count` rows, copied so that they do not hold on to the caller's buffer."""
    if count == 0:
        return Rows(carried.vectors[:0], carried.weights[:0])
    new = min(count, len(rows.weights))
    first, old = len(rows.weights) - new, len(carried.weights) - (count - new)
    return Rows(
        frozen(np.concatenate([carried.vectors[old:], rows.vectors[first:]])),
        frozen(np.concatenate([carried.weights[old:], rows.weights[first:]])),
    )
