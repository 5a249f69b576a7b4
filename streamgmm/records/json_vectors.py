"""Vectors from JSON values: compiled code walks over every value and reads what is a plain finite number.

One walk finds the fields (`json_walker.locate`), a second reads the numbers into the matrix, with NaN for null and for
a feature whose field is absent. A record that the walk does not vouch for is read as a tree of objects by msgspec and
`layouts`, which give the precise reason; `NaN` and `Infinity`, which are not JSON but which many programs write, by
Python's own.
"""

import json
from typing import NamedTuple

import msgspec
import numpy as np

from streamgmm.records.assemble import Bulk, decode_both
from streamgmm.records.columns import Bytes, Int64, RecordColumns, Slices, bytes_of, normal_slices, slices_of
from streamgmm.records.compiled import compiled
from streamgmm.records.decoded import MOST_WEIGHT, Float64, Mask, Rejected, Rows, Vectors
from streamgmm.records.json_walker import ARRAY, ARRAY_END, COMMA, locate, number, number_or_null, space
from streamgmm.records.layouts import ArrayLayout, Layout, NamedLayout
from streamgmm.records.msgpack_walker import ABSENT, ODD

MAX_DEPTH = 100


def json_rows(layout: Layout, value: bytes | None, n_features: int | None) -> Rows:
    """One value by the general decoder. Raises Rejected."""
    if not value:
        raise Rejected("empty", "the record has no value")
    if not _is_shallow(bytes_of(value), 0, len(value)):
        raise Rejected("undecodable", f"nested deeper than {MAX_DEPTH}")
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        decoded = _by_python(value, error)
    return layout.rows(decoded, n_features)


def _by_python(value: bytes, error: Exception) -> object:
    try:
        return json.loads(value.decode())
    except ValueError:
        raise Rejected("undecodable", f"no JSON: {error}") from error


class JsonArrays(NamedTuple):
    """Values that are an array, or a map with the array in one field."""

    layout: ArrayLayout

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """See Decoder."""
        return decode_both(self, columns, n_features)

    def rows(self, value: bytes | None, n_features: int | None) -> Rows:
        """See TwoWays."""
        return json_rows(self.layout, value, n_features)

    def bulk(self, columns: RecordColumns, n_features: int) -> Bulk:
        """See TwoWays."""
        values = normal_slices(columns.values)
        places = _located(values, self.layout.fields, bare=True)
        counts, nested = np.zeros(len(places), np.int64), np.zeros(len(places), np.bool_)
        most = values.length // (2 * n_features + 1)  # a vector has at least a digit and a comma for each number
        matrix = np.empty((int(np.maximum(most, 0).sum()), n_features))
        weights = np.empty(len(matrix))
        used = _read_arrays(values.buffer, places, counts, nested, matrix, weights)
        return Bulk(matrix[:used], weights[:used], counts, nested)


class JsonFields(NamedTuple):
    """Values that are a map with a field for each feature."""

    layout: NamedLayout

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """See Decoder; the number of features is that of the fields."""
        return decode_both(self, columns, len(self.layout.names))

    def rows(self, value: bytes | None, n_features: int | None) -> Rows:
        """See TwoWays."""
        return json_rows(self.layout, value, n_features)

    def bulk(self, columns: RecordColumns, n_features: int) -> Bulk:
        """See TwoWays."""
        values = normal_slices(columns.values)
        places = _located(values, self.layout.fields, bare=False)
        counts = np.zeros(len(places), np.int64)
        matrix, weights = np.empty((len(places), n_features)), np.empty(len(places))
        used = _read_fields(values.buffer, places, self.layout.columns, counts, matrix, weights)
        return Bulk(matrix[:used], weights[:used], counts, np.zeros(len(places), np.bool_))


def _located(values: Slices, names: list[str], *, bare: bool) -> Int64:
    places = np.empty((values.length.size, len(names) + 1), np.int64)
    locate(values, slices_of([name.encode() for name in names]), bare, places)
    return places


@compiled
def _read_arrays(data: Bytes, places: Int64, counts: Int64, nested: Mask, matrix: Float64, weights: Float64) -> int:
    """Reads the vectors one behind the other; a record with anything odd gets count 0. Returns the rows filled."""
    used, last = 0, places.shape[1] - 1
    for i in range(places.shape[0]):
        at = places[i, 0]
        if places[i, last] == ODD or at == ABSENT or data[at] != ARRAY or used == len(matrix):
            continue
        inner = space(data, at + 1, data.size)
        several = data[inner] == ARRAY
        n = _read_several(data, inner, matrix[used:]) if several else _read_vector(data, at, matrix[used]) >= 0
        if n and last == 2 and not _read_weights(data, places[i, 1], weights[used : used + n]):
            continue
        if last == 1:
            weights[used : used + n] = 1.0
        counts[i], nested[i] = n, several and n > 0
        used += n
    return used


@compiled
def _read_several(data: Bytes, at: int, out: Float64) -> int:
    """How many vectors there are in the array whose first one begins at `at`; 0 where anything is odd."""
    row = 0
    while row < len(out):
        at = _read_vector(data, at, out[row])
        if at < 0:
            return 0
        row += 1
        if data[at] == ARRAY_END:
            return row
        at = space(data, at + 1, data.size)
    return 0


@compiled
def _read_vector(data: Bytes, at: int, out: Float64) -> int:
    """Fills a row; the next place behind the array that is no space, ODD where it is no usable vector."""
    if data[at] != ARRAY:
        return ODD
    known = 0
    for j in range(len(out)):
        at = space(data, at + 1, data.size)
        out[j], at = number_or_null(data, at)
        if at < 0 or data[at] != (COMMA if j < len(out) - 1 else ARRAY_END):
            return ODD
        known += not np.isnan(out[j])
    return space(data, at + 1, data.size) if known else ODD


@compiled
def _read_weights(data: Bytes, at: int, out: Float64) -> bool:
    """One weight for all rows, or an array of one each; 1 where the field is absent."""
    if at == ABSENT:
        out[:] = 1.0
        return True
    if data[at] == ARRAY:
        return _read_vector(data, at, out) >= 0 and _are_weights(out)
    value, at = number(data, at)
    out[:] = value
    return at >= 0 and _are_weights(out)


@compiled
def _are_weights(out: Float64) -> bool:
    good = True
    for value in out:
        good = good and 0.0 <= value <= MOST_WEIGHT
    return good


@compiled
def _read_fields(data: Bytes, places: Int64, column: Int64, counts: Int64, matrix: Float64, weights: Float64) -> int:
    """As `_read_arrays`; `column` is the place of each feature, and of the weight where there is one, in `places`."""
    used, d = 0, matrix.shape[1]
    for i in range(places.shape[0]):
        good, known = places[i, places.shape[1] - 1] != ODD, 0
        for j in range(d):
            at = places[i, column[j]]
            if not good:
                break
            matrix[used, j] = np.nan
            if at != ABSENT:
                matrix[used, j], at = number_or_null(data, at)
                good = at >= 0
            known += not np.isnan(matrix[used, j])
        good = good and known > 0
        if good and column.size > d:
            good = _read_weights(data, places[i, column[d]], weights[used : used + 1])
        elif good:
            weights[used] = 1.0
        counts[i] = good
        used += good
    return used


@compiled
def _is_shallow(data: Bytes, at: int, end: int) -> bool:
    """Whether arrays and maps are nested no deeper than MAX_DEPTH, as far as damaged text has a depth."""
    depth, quoted = 0, False
    while at < end and depth <= MAX_DEPTH:
        byte = data[at]
        at += 1
        if quoted:
            at += byte == 0x5C  # what follows a backslash ends no string
            quoted = byte != 0x22
        elif byte == 0x22:
            quoted = True
        elif byte in (0x5B, 0x7B):
            depth += 1
        elif byte in (0x5D, 0x7D):
            depth -= 1
    return depth <= MAX_DEPTH
