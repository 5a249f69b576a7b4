"""Vectors from JSON values, by msgspec, value by value.

The fast way reads the wanted fields straight into floats and skips the others; what it refuses, and what has escapes
or deep nesting, is read as a tree of objects, which gives the precise reason. `NaN` and `Infinity`, which are not JSON
but which many programs write, are understood.
"""

import json
from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

import msgspec
import numpy as np

from streamgmm.records.assemble import Bulk, decode_both
from streamgmm.records.columns import Bytes, RecordColumns, Slices, bytes_of, normal_slices, string
from streamgmm.records.compiled import compiled
from streamgmm.records.decoded import Mask, Rejected, Rows, Vectors
from streamgmm.records.layouts import ArrayLayout, NamedLayout
from streamgmm.records.msgpack_walker import is_utf8

MAX_DEPTH = 100

Vector = tuple[Iterable[float], float]  # numbers and weight


def json_rows(layout: ArrayLayout | NamedLayout, value: bytes | None, n_features: int | None) -> Rows:
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
    flat: msgspec.json.Decoder[Any]
    deep: msgspec.json.Decoder[Any]  # for an array of arrays

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """See Decoder."""
        return decode_both(self, columns, n_features)

    def rows(self, value: bytes | None, n_features: int | None) -> Rows:
        """See TwoWays."""
        return json_rows(self.layout, value, n_features)

    def bulk(self, columns: RecordColumns, n_features: int) -> Bulk:
        """See TwoWays."""
        values = normal_slices(columns.values)
        counts, nested = np.zeros(values.length.size, np.int64), np.zeros(values.length.size, np.bool_)
        numbers: list[list[float]] = []
        weights: list[float] = []
        for row in _simple(values):
            found, weight, nested[row] = self._read(values, row)
            if found and all(len(each) == n_features for each in found):
                numbers += found
                weights += [weight] * len(found)
                counts[row] = len(found)
        return bulk_of(chain.from_iterable(numbers), weights, counts, nested, n_features)

    def _read(self, values: Slices, row: int) -> tuple[list[list[float]], float, bool]:
        value = string(values, row) or b""
        try:
            found = self.flat.decode(value)
        except msgspec.MsgspecError:
            return self._read_nested(value)
        if isinstance(found, list):
            return [found], 1.0, False
        return [found.features], found.weight, False

    def _read_nested(self, value: bytes) -> tuple[list[list[float]], float, bool]:
        try:
            found = self.deep.decode(value)
        except msgspec.MsgspecError:
            return [], 1.0, False
        return (found, 1.0, True) if isinstance(found, list) else (found.features, found.weight, True)


class JsonFields(NamedTuple):
    """Values that are a map with a field for each feature."""

    layout: NamedLayout
    fields: msgspec.json.Decoder[Any]  # of the features and, where it is one more field, the weight
    column: tuple[int, ...]  # the place of each feature and of the weight among the fields decoded

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """See Decoder; the number of features is that of the fields."""
        return decode_both(self, columns, len(self.layout.names))

    def rows(self, value: bytes | None, n_features: int | None) -> Rows:
        """See TwoWays."""
        return json_rows(self.layout, value, n_features)

    def bulk(self, columns: RecordColumns, n_features: int) -> Bulk:
        """See TwoWays."""
        values = normal_slices(columns.values)
        counts = np.zeros(values.length.size, np.int64)
        found = []
        for row in _simple(values):
            try:
                found.append(msgspec.structs.astuple(self.fields.decode(string(values, row) or b"")))
            except msgspec.MsgspecError:
                continue
            counts[row] = 1
        width = len(self.fields.type.__struct_fields__)
        table = np.fromiter(chain.from_iterable(found), np.float64, len(found) * width).reshape(-1, width)
        numbers = table[:, self.column]
        weights = numbers[:, n_features] if len(self.column) > n_features else np.ones(len(found))
        nested = np.zeros(counts.size, np.bool_)
        return bulk_of(numbers[:, :n_features].ravel(), weights, counts, nested, n_features)


def bulk_of(
    numbers: Iterable[float],
    weights: Iterable[float],
    counts: np.ndarray[Any, np.dtype[np.int64]],
    nested: Mask,
    d: int,
) -> Bulk:
    """The vectors read; a record with a number or weight that cannot be is left to the general decoder."""
    n = int(counts.sum())
    matrix = np.fromiter(numbers, np.float64, n * d).reshape(n, d)
    weight = np.fromiter(weights, np.float64, n)
    good = np.isfinite(matrix).all(axis=1) & np.isfinite(weight) & (weight >= 0)
    if not good.all():
        record = np.repeat(np.arange(counts.size), counts)
        counts[record[~good]] = 0
        kept = counts[record] > 0
        matrix, weight = matrix[kept], weight[kept]
    return Bulk(matrix, weight, counts, nested & (counts > 0))


def json_arrays(layout: ArrayLayout) -> JsonArrays:
    """The decoder for an array, or a map with the array in one field."""
    return JsonArrays(layout, _array_decoder(layout, list[float]), _array_decoder(layout, list[list[float]]))


def _array_decoder(layout: ArrayLayout, kind: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type
    names = {"features": layout.field}
    if layout.weight is not None:
        names["weight"] = layout.weight
    struct = msgspec.defstruct("Value", [("features", kind), ("weight", float, 1.0)], rename=names)
    return msgspec.json.Decoder(kind | struct)


def json_fields(layout: NamedLayout) -> JsonFields:
    """The decoder for a map with a field for each feature."""
    weight = () if layout.weight is None else (layout.weight,)
    names = list(dict.fromkeys((*layout.names, *weight)))
    fields: list[Any] = [(f"f{i}", float) for i in range(len(names))]
    if weight and layout.weight not in layout.names:
        fields[-1] = (*fields[-1], 1.0)
    struct = msgspec.defstruct("Value", fields, rename={f"f{i}": name for i, name in enumerate(names)})
    column = tuple(names.index(name) for name in (*layout.names, *weight))
    return JsonFields(layout, msgspec.json.Decoder(struct), column)


def _simple(values: Slices) -> list[int]:
    """The rows of values that the fast way may read: it looks neither at escapes nor at the text that it skips."""
    simple = np.empty(values.length.size, np.bool_)
    _find_simple(values, simple)
    return np.flatnonzero(simple).tolist()


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


@compiled
def _find_simple(values: Slices, out: Mask) -> None:
    for i in range(out.size):
        at, end = values.start[i], values.start[i] + values.length[i]
        simple = end > at and _is_shallow(values.buffer, at, end) and is_utf8(values.buffer, at, end)
        for j in range(at, end):
            simple = simple and values.buffer[j] != 0x5C
        out[i] = simple
