"""Vectors cut at the ends of batches: between two cuts no M-step comes."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.records.columns import Int64
from streamgmm.records.vectors import Vectors


class Piece(NamedTuple):
    """Records between two M-steps."""

    rows: slice  # of the vectors
    records: slice
    filled: int  # vectors of weight above 0 in the batch by their end
    full: bool


def pieces(data: Vectors, filled: int, batch_size: int) -> Iterator[Piece]:
    """Cut records at the ends of batches, of which the first holds `filled` vectors already.

    A batch closes with the record that fills it; vectors of weight 0 fill nothing.
    """
    reached, ends = filled + np.cumsum(weighty(data)), np.cumsum(data.counts)
    record, row, base = 0, 0, 0
    while record < len(ends):
        last = int(np.searchsorted(reached, base + batch_size))
        full = last < len(ends)
        stop = last + 1 if full else len(ends)
        yield Piece(slice(row, int(ends[stop - 1])), slice(record, stop), int(reached[stop - 1]) - base, full)
        record, row, base = stop, int(ends[stop - 1]), int(reached[stop - 1])


def complete(data: Vectors) -> NDArray[np.bool_]:
    """Vectors (n,) without a missing feature."""
    missing = np.isnan(data.matrix)
    return np.asarray(~missing.any(axis=1)) if missing.any() else np.ones(len(data.matrix), np.bool_)


def weighty(data: Vectors) -> Int64:
    """Vectors of weight above 0 in each record (r,)."""
    ends = np.cumsum(data.counts)
    total = np.concatenate([[0], np.cumsum(data.weights > 0)])
    result: Int64 = total[ends] - total[ends - data.counts]
    return result
