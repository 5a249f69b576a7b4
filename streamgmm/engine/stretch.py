"""Chunks that are learnt one after another, as one: what is scored and learnt does not end where a chunk does."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamgmm.engine.values import Array, Chunk, Place
from streamgmm.records.columns import Int64, frozen
from streamgmm.records.vectors import Vectors


class Stretch(NamedTuple):
    """Chunks, and their vectors in the order in which they are learnt."""

    chunks: tuple[Chunk, ...]  # one at least
    vectors: Vectors
    times: Array  # (r,) as in `Chunk`
    records: Int64  # (c + 1,) where the records of each chunk begin, and where the last ones end
    rows: Int64  # (c + 1,) the same of its vectors


def stretch(chunks: Sequence[Chunk]) -> Stretch:
    """The chunks as one; with a single one nothing is copied."""
    records = _ends([len(chunk.vectors.counts) for chunk in chunks])
    rows = _ends([len(chunk.vectors.weights) for chunk in chunks])
    if len(chunks) == 1:
        return Stretch(tuple(chunks), chunks[0].vectors, chunks[0].times, records, rows)
    times = frozen(np.concatenate([chunk.times for chunk in chunks]))
    return Stretch(tuple(chunks), joined([chunk.vectors for chunk in chunks]), times, records, rows)


def joined(parts: Sequence[Vectors]) -> Vectors:
    """Of the accepted records only: the rows in their columns are their order."""
    counts = np.concatenate([part.counts for part in parts])
    return Vectors(
        np.concatenate([part.matrix for part in parts]),
        np.concatenate([part.weights for part in parts]),
        counts,
        np.arange(len(counts)),
        np.concatenate([part.nested for part in parts]),
        (),
    )


def place(of: Stretch, row: int) -> Place:
    """The record that completed what ended before a row, the first where that is 0."""
    record = int(np.searchsorted(np.cumsum(of.vectors.counts), max(row, 1), side="left"))
    number = int(np.searchsorted(of.records, record, side="right")) - 1
    chunk = of.chunks[number]
    return Place(chunk.range.partition, int(chunk.columns.offsets[record - of.records[number]]))


def _ends(lengths: Sequence[int]) -> Int64:
    return np.cumsum([0, *lengths])
