"""What was scored since the last M-step and waits to be learnt.

Statistics are summed over fixed blocks of 256 rows, counted from the batch's start. Full blocks are kept as their
sums, the rows of the unfinished block as they are. So the state stays small, and it has the same bits however the
rows were cut into calls. Rows with missing features have blocks and sums of their own (see `missing`).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from streamgmm.mixture import missing
from streamgmm.mixture.arrays import Array, frozen, sealed
from streamgmm.mixture.block import BLOCK, Batch, Model, Output, Rows
from streamgmm.mixture.effective_size import add_squares
from streamgmm.mixture.kernel import Kernel, accumulate
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.pieces import empty_output, pieces
from streamgmm.mixture.sums import joined


class Pending(NamedTuple):
    """A batch that is not complete."""

    sums: Sums  # over its full blocks
    rows: Array  # (m, d), m < 256: the unfinished block
    weights: Array  # (m,)
    squares: float = 0.0  # of the weights of all rows, summed
    gaps: Sums | None = None  # over the full blocks of rows with missing features; None as long as there is no such row
    gap_rows: Rows | None = None  # their unfinished block
    background: float = 0.0  # weight that belongs to the background, not to the rows here


@lru_cache(maxsize=64)  # a value like any other, made once for each M-step
def nothing(shape: tuple[int, int], kernel: Kernel) -> Pending:
    """A batch at its start, for a model of `shape` (k, d)."""
    return Pending(kernel.no_sums(*shape), frozen(np.zeros((0, shape[1]))), frozen(np.zeros(0)))


def is_nothing(pending: Pending) -> bool:
    """Whether no row waits."""
    return pending.squares == 0 and not len(pending.rows) and pending.gap_rows is None and pending.sums.weight == 0


def add(pending: Pending, model: Model, rows: Rows, kernel: Kernel) -> tuple[Pending, Output]:
    """Score the rows under the model, which must be that of the whole batch, and add them to the batch."""
    output = empty_output(rows, len(model.means))
    for piece, place in pieces(rows, output):
        pending = add_piece(pending, model, piece, kernel, place)
    return pending, Output(*map(sealed, output))


def add_piece(pending: Pending, model: Model, rows: Rows, kernel: Kernel, output: Output) -> Pending:
    """As `add`, for rows that `pieces` gave; what becomes known of them is put out."""
    pending = pending._replace(squares=add_squares(pending.squares, rows.weights))
    parts = missing.split(rows)
    if parts is None:
        return _add_complete(pending, model, rows, kernel, output)
    both = empty_output(parts.complete, len(model.means)), empty_output(parts.incomplete, len(model.means))
    pending = _add_complete(pending, model, parts.complete, kernel, both[0])
    pending = _add_incomplete(pending, model, parts.incomplete, kernel, both[1])
    missing.put_together(parts, *both, output)
    return pending


def close(pending: Pending, model: Callable[[], Model], kernel: Kernel) -> Sums:
    """The sums over the whole batch, its unfinished blocks filled up with rows of weight 0.

    `model` makes that of the batch; it is asked only where a block is unfinished.
    """
    sums, rows = pending.sums, Rows(pending.rows, pending.weights)
    if len(rows.weights):
        sums = accumulate(kernel, model(), sums, _whole(rows), empty_output(rows, len(sums.mass)))
    if pending.gap_rows is None:
        return sums
    rows, before = pending.gap_rows, pending.gaps or kernel.no_sums(*sums.mean.shape)
    gaps = missing.accumulate(kernel, model(), before, _whole(rows), empty_output(rows, len(sums.mass)))
    return joined(sums, gaps)


def _add_complete(pending: Pending, model: Model, rows: Rows, kernel: Kernel, output: Output) -> Pending:
    batch = _batch(Rows(pending.rows, pending.weights), rows)
    sums, rest = accumulate(kernel, model, pending.sums, batch, output), _rest(batch)
    return pending._replace(sums=sums, rows=rest.vectors, weights=rest.weights)


def _add_incomplete(pending: Pending, model: Model, rows: Rows, kernel: Kernel, output: Output) -> Pending:
    batch = _batch(pending.gap_rows or _none_of(rows), rows)
    before = pending.gaps or kernel.no_sums(*model.means.shape)
    gaps = missing.accumulate(kernel, model, before, batch, output)
    return pending._replace(gaps=gaps, gap_rows=_rest(batch))


def _batch(carried: Rows, rows: Rows) -> Batch:
    """With what is carried; full blocks go into the sums."""
    total = len(carried.weights) + len(rows.weights)
    return Batch(_frozen(carried), rows, complete=total - total % BLOCK)


def _whole(rows: Rows) -> Batch:
    """By themselves; the last block goes into the sums too."""
    rows = _frozen(rows)
    return Batch(_none_of(rows), rows, complete=-(-len(rows.weights) // BLOCK) * BLOCK)


def _frozen(rows: Rows) -> Rows:
    """As the kernels take them: arrays of a copied or unpickled state can be written to."""
    return Rows(frozen(rows.vectors), frozen(rows.weights))


def _none_of(rows: Rows) -> Rows:
    return Rows(rows.vectors[:0], rows.weights[:0])


def _rest(batch: Batch) -> Rows:
    """The rows that are in no full block, copied so that they do not hold on to the caller's buffer."""
    carried, rows = batch.carried, batch.rows
    count = len(carried.weights) + len(rows.weights) - batch.complete
    if count == 0:
        return _none_of(carried)
    new = min(count, len(rows.weights))
    first, old = len(rows.weights) - new, len(carried.weights) - (count - new)
    return Rows(
        frozen(np.concatenate([carried.vectors[old:], rows.vectors[first:]])),
        frozen(np.concatenate([carried.weights[old:], rows.weights[first:]])),
    )
