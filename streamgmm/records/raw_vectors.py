"""Vectors from raw values: rows of little-endian float32 or float64, nothing else.

A record may hold several rows. Where the values of all records lie one behind the other, as float64 and aligned, the
matrix is a view of them.
"""

from typing import NamedTuple

import numpy as np

from streamgmm.records.assemble import Bulk, decode_both
from streamgmm.records.columns import Bytes, Int64, RecordColumns, Slices, normal_slices
from streamgmm.records.compiled import compiled, copy
from streamgmm.records.decoded import Rejected, Rows, Vectors, usable
from streamgmm.records.layouts import matrix_of_bytes, refuse_unusable


class RawRows(NamedTuple):
    """Values that are rows of numbers of one type, `<f4` or `<f8`."""

    dtype: str

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """See Decoder."""
        return decode_both(self, columns, n_features)

    def rows(self, value: bytes | None, n_features: int | None) -> Rows:
        """See TwoWays."""
        if not value:
            raise Rejected("empty", "the record has no value")
        matrix = matrix_of_bytes(value, n_features, self.dtype)
        refuse_unusable(matrix)
        return Rows(matrix, np.ones(len(matrix)), nested=len(matrix) > 1)

    def bulk(self, columns: RecordColumns, n_features: int) -> Bulk:
        """See TwoWays."""
        values = normal_slices(columns.values)
        width = np.dtype(self.dtype).itemsize * n_features
        counts = np.where(values.length % width == 0, np.maximum(values.length, 0) // width, 0)
        matrix = _joined(values, counts, width).view(self.dtype).reshape(-1, n_features)
        good = usable(matrix)
        if not good.all():
            record = np.repeat(np.arange(counts.size), counts)
            counts[record[~good]] = 0
            matrix = matrix[counts[record] > 0]
        with np.errstate(invalid="ignore"):  # a signalling NaN
            matrix = np.ascontiguousarray(matrix, np.float64)
        return Bulk(matrix, np.ones(len(matrix)), counts, counts > 1)


def _joined(values: Slices, counts: Int64, width: int) -> Bytes:
    """The bytes of the records that count, one behind the other; a view where they lie so already."""
    rows = np.flatnonzero(counts)
    start, length = values.start[rows], values.length[rows]
    if rows.size and (start[1:] == start[:-1] + length[:-1]).all():
        whole = values.buffer[start[0] : start[-1] + length[-1]]
        if whole.ctypes.data % 8 == 0:
            return whole
    out = np.empty(int(length.sum()), np.uint8)
    _gather(values, counts, out)
    return out


@compiled
def _gather(values: Slices, counts: Int64, out: Bytes) -> None:
    at = 0
    for i in range(counts.size):
        if counts[i]:
            at = copy(out, at, values.buffer, values.start[i], values.length[i])
