"""Puts together what a fast path read in bulk and what the general decoder read record by record.

Every format has two ways: a fast one that takes what is common and leaves the rest open, and a general one that reads
any single value and says precisely why it cannot be accepted. They give the same numbers; a test holds them together.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from streamgmm.records.columns import Int64, RecordColumns, frozen, string, take
from streamgmm.records.decoded import Float64, Mask, Rejected, Rejection, Rows, Vectors


class Bulk(NamedTuple):
    """What a fast path read from n records."""

    matrix: Float64  # (sum of counts, d)
    weights: Float64  # (sum of counts,)
    counts: Int64  # (n,) 0 where the record is left to the general decoder
    nested: Mask  # (n,)


class TwoWays(Protocol):
    """A format: the fast way and the general one."""

    def bulk(self, columns: RecordColumns, n_features: int) -> Bulk:
        """The records that the fast path takes."""

    def rows(self, value: bytes | None, n_features: int | None) -> Rows:
        """One record's vectors; n_features None takes its own. Raises Rejected."""


def decode_both(ways: TwoWays, columns: RecordColumns, n_features: int | None) -> Vectors:
    """All records, the fast way where it goes. n_features None: the first acceptable record decides."""
    if n_features is not None:
        return _decode(ways, columns, n_features, 0)
    refused: list[Rejection] = []
    for row in range(columns.offsets.size):
        try:
            found = ways.rows(string(columns.values, row), None)
        except Rejected as why:
            refused.append(Rejection(row, why.reason, why.message))
        else:
            rest = _decode(ways, take(columns, slice(row, None)), found.matrix.shape[1], row)
            return rest._replace(rejected=(*refused, *rest.rejected))
    return joined(
        Bulk(np.empty((0, 0)), np.empty(0), np.zeros(row_count(columns), np.int64), _no(columns)), {}, refused, 0
    )


def row_count(columns: RecordColumns) -> int:
    """The number of records."""
    return int(columns.offsets.size)


def _no(columns: RecordColumns) -> Mask:
    return np.zeros(row_count(columns), np.bool_)


def _decode(ways: TwoWays, columns: RecordColumns, n_features: int, first_row: int) -> Vectors:
    bulk = ways.bulk(columns, n_features)
    single: dict[int, Rows] = {}
    refused: list[Rejection] = []
    for row in np.flatnonzero(bulk.counts == 0).tolist():
        try:
            single[row] = ways.rows(string(columns.values, row), n_features)
        except Rejected as why:
            refused.append(Rejection(first_row + row, why.reason, why.message))
    return joined(bulk, single, refused, first_row)


def joined(bulk: Bulk, single: dict[int, Rows], refused: list[Rejection], first_row: int) -> Vectors:
    """The vectors of both ways in the records' order; rows are counted from `first_row`."""
    counts, nested, matrix, weights = bulk.counts, bulk.nested, bulk.matrix, bulk.weights
    if single:
        rows = np.fromiter(single, np.int64)
        counts, nested = counts.copy(), nested.copy()
        counts[rows] = [len(found.weights) for found in single.values()]
        nested[rows] = [found.nested for found in single.values()]
        from_bulk = np.repeat(bulk.counts > 0, counts)
        matrix, weights = np.empty((from_bulk.size, matrix.shape[1])), np.empty(from_bulk.size)
        matrix[from_bulk], weights[from_bulk] = bulk.matrix, bulk.weights
        matrix[~from_bulk] = np.concatenate([found.matrix for found in single.values()])
        weights[~from_bulk] = np.concatenate([found.weights for found in single.values()])
    accepted = np.flatnonzero(counts)
    return Vectors(
        frozen(matrix),
        frozen(weights),
        frozen(counts[accepted]),
        frozen(accepted + first_row),
        frozen(nested[accepted]),
        tuple(refused),
    )


def dropped(vectors: Vectors, bad: Mask, why: Callable[[int], Rejection]) -> Vectors:
    """Without the records that hold a bad row; `bad` is (n,), `why` is asked for the first bad row of each record."""
    owner = np.repeat(np.arange(vectors.counts.size), vectors.counts)
    records, first = np.unique(owner[bad], return_index=True)
    refused = [why(row) for row in np.flatnonzero(bad)[first].tolist()]
    kept = np.ones(vectors.counts.size, np.bool_)
    kept[records] = False
    rows = kept[owner]
    return Vectors(
        frozen(vectors.matrix[rows]),
        frozen(vectors.weights[rows]),
        frozen(vectors.counts[kept]),
        frozen(vectors.accepted[kept]),
        frozen(vectors.nested[kept]),
        tuple(sorted((*vectors.rejected, *refused))),
    )
