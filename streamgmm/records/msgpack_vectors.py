"""Vectors from msgpack values: compiled code walks over every value and reads what is a plain finite number.

One walk finds the fields (`msgpack_walker.locate`), for records that lie as the first one does a comparison in its
place (`msgpack_alike`); a second reads the numbers into the matrix, with NaN for nil and for a feature whose field is
absent. A record that the walk does not vouch for goes to msgspec and `layouts`, which give the precise reason. float32
and integers become float64.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from streamgmm.records.assemble import Bulk, decode_both
from streamgmm.records.columns import Bytes, Int64, RecordColumns, Slices, bytes_of, normal_slices, slices_of
from streamgmm.records.compiled import compiled
from streamgmm.records.decoded import MOST_WEIGHT, Float64, Mask, Rejected, Rows, Vectors
from streamgmm.records.layouts import ArrayLayout, Layout, NamedLayout
from streamgmm.records.msgpack_alike import located
from streamgmm.records.msgpack_walker import (
    ABSENT,
    DEEP,
    MAX_DEPTH,
    ODD,
    float_of,
    head,
    number,
    number_or_nil,
    room,
    skip,
)

_ARRAY, _BYTES = -1, -4  # kinds of `head`


def msgpack_rows(layout: Layout, value: bytes | None, n_features: int | None) -> Rows:
    """One value by the general decoder. Raises Rejected."""
    if not value:
        raise Rejected("empty", "the record has no value")
    if skip(bytes_of(value), 0, len(value), False, room()) == DEEP:
        raise Rejected("undecodable", f"nested deeper than {MAX_DEPTH}")
    try:
        decoded = msgspec.msgpack.decode(value)
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
        raise Rejected("undecodable", f"no msgpack: {error}") from error
    return layout.rows(decoded, n_features)


class MsgpackArrays(NamedTuple):
    """Values that are an array, or a map with the array in one field."""

    layout: ArrayLayout

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """See Decoder."""
        return decode_both(self, columns, n_features)

    def rows(self, value: bytes | None, n_features: int | None) -> Rows:
        """See TwoWays."""
        return msgpack_rows(self.layout, value, n_features)

    def bulk(self, columns: RecordColumns, n_features: int) -> Bulk:
        """See TwoWays."""
        values = normal_slices(columns.values)
        places = _located(values, self.layout.fields, bare=True)
        counts, nested = np.zeros(len(places), np.int64), np.zeros(len(places), np.bool_)
        _count(values.buffer, places, n_features, counts, nested)
        matrix = np.empty((int(counts.sum()), n_features))
        weights = np.empty(len(matrix))
        used = _read_arrays(values.buffer, places, counts, nested, matrix, weights)
        return Bulk(matrix[:used], weights[:used], counts, nested)


class MsgpackFields(NamedTuple):
    """Values that are a map with a field for each feature."""

    layout: NamedLayout

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """See Decoder; the number of features is that of the fields."""
        return decode_both(self, columns, len(self.layout.names))

    def rows(self, value: bytes | None, n_features: int | None) -> Rows:
        """See TwoWays."""
        return msgpack_rows(self.layout, value, n_features)

    def bulk(self, columns: RecordColumns, n_features: int) -> Bulk:
        """See TwoWays."""
        values = normal_slices(columns.values)
        places = _located(values, self.layout.fields, bare=False)
        counts = np.zeros(len(places), np.int64)
        matrix, weights = np.empty((len(places), n_features)), np.empty(len(places))
        used = _read_fields(values.buffer, places, self.layout.columns, counts, matrix, weights)
        return Bulk(matrix[:used], weights[:used], counts, np.zeros(len(places), np.bool_))


def _located(values: Slices, names: list[str], *, bare: bool) -> Int64:
    return located(values, slices_of([name.encode() for name in names]), bare=bare)


@compiled
def _count(data: Bytes, places: Int64, d: int, counts: Int64, nested: Mask) -> None:
    """Sets how many vectors of d features each record can hold; 0 where it is left to the general decoder."""
    last = places.shape[1] - 1
    for i in range(places.shape[0]):
        end = places[i, last]
        if end == ODD or places[i, 0] == ABSENT:
            continue
        kind, length, at = head(data, places[i, 0], end)
        if kind == _BYTES:
            counts[i] = length // (8 * d) if length % (8 * d) == 0 else 0
            nested[i] = counts[i] > 1
        elif kind == _ARRAY and length > 0:
            inner, _, _ = head(data, at, end)
            if inner != _ARRAY:
                counts[i] = length == d
            elif length * d <= end - at:  # so that no claim of many rows makes the matrix larger than the input
                counts[i], nested[i] = length, True


@compiled
def _read_arrays(data: Bytes, places: Int64, counts: Int64, nested: Mask, matrix: Float64, weights: Float64) -> int:
    """Reads the vectors one behind the other; a record with anything odd gets count 0. Returns the rows filled."""
    used = 0
    for i in range(places.shape[0]):
        n = counts[i]
        if n == 0:
            continue
        good = _read_rows(data, places[i, 0], places[i, places.shape[1] - 1], nested[i], matrix[used : used + n])
        if good and places.shape[1] == 3:
            good = _read_weights(data, places[i, 1], weights[used : used + n])
        elif good:
            weights[used : used + n] = 1.0
        if good:
            used += n
        else:
            counts[i], nested[i] = 0, False
    return used


@compiled
def _read_rows(data: Bytes, at: int, end: int, nested: bool, out: Float64) -> bool:
    kind, _, at = head(data, at, end)
    if kind == _BYTES:
        return _read_raw(data, at, out)
    for row in range(out.shape[0]):
        if nested:
            kind, length, at = head(data, at, end)
            if kind != _ARRAY or length != out.shape[1]:
                return False
        for j in range(out.shape[1]):
            out[row, j], at = number_or_nil(data, at)
            if at < 0:
                return False
        if not _is_usable(out[row]):
            return False
    return True


@compiled
def _read_raw(data: Bytes, at: int, out: Float64) -> bool:
    """Little-endian float64."""
    for row in range(out.shape[0]):
        for j in range(out.shape[1]):
            bits = np.uint64(0)
            for i in range(8):
                bits |= np.uint64(data[at + i]) << np.uint64(8 * i)
            out[row, j] = float_of(bits)
            at += 8
        if not _is_usable(out[row]):
            return False
    return True


@compiled
def _is_usable(row: Float64) -> bool:
    """As `decoded.usable`."""
    known, infinite = 0, 0
    for value in row:
        known += not np.isnan(value)
        infinite += np.isinf(value)
    return known > 0 and infinite == 0


@compiled
def _read_weights(data: Bytes, at: int, out: Float64) -> bool:
    """One weight for all rows, or an array of one each; 1 where the field is absent."""
    if at == ABSENT:
        out[:] = 1.0
        return True
    kind, length, behind = head(data, at, data.size)
    if kind == _ARRAY and length != out.size:
        return False
    if kind == _ARRAY:
        at = behind
    for row in range(out.size):
        value, behind = number(data, at)
        if behind < 0 or not 0 <= value <= MOST_WEIGHT:
            return False
        out[row] = value
        if kind == _ARRAY:
            at = behind
    return True


@compiled
def _read_fields(data: Bytes, places: Int64, column: Int64, counts: Int64, matrix: Float64, weights: Float64) -> int:
    """As `_read_arrays`; `column` is the place of each feature, and of the weight where there is one, in `places`."""
    used, d = 0, matrix.shape[1]
    for i in range(places.shape[0]):
        good = places[i, places.shape[1] - 1] != ODD
        for j in range(d):
            at = places[i, column[j]]
            if not good:
                break
            matrix[used, j] = np.nan
            if at != ABSENT:
                matrix[used, j], at = number_or_nil(data, at)
                good = at >= 0
        good = good and _is_usable(matrix[used])
        if good and column.size > d:
            good = _read_weights(data, places[i, column[d]], weights[used : used + 1])
        elif good:
            weights[used] = 1.0
        if good:
            counts[i] = 1
            used += 1
    return used
