"""Vectors from JSON values, by msgspec, value by value.

The fast way reads the wanted fields straight into floats (None where one is null, or a feature absent: both become NaN)
and skips the others; what it refuses, and what has escapes
or deep nesting, is read as a tree of objects, which gives the precise reason. `NaN` and `Infinity`, which are not JSON
but which many programs write, are understood.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np

from streamgmm.records.assemble import Bulk, decode_both
from streamgmm.records.columns import Bytes, RecordColumns, Slices, bytes_of, normal_slices
from streamgmm.records.compiled import compiled
from streamgmm.records.decoded import MOST_WEIGHT, Float64, Mask, Rejected, Rows, Vectors, usable
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
    weigh: Callable[[Any], float]  # of what was decoded from a map

    def decode(self, columns: RecordColumns, n_features: int | None) -> Vectors:
        """See Decoder."""
        return decode_both(self, columns, n_features)

    def rows(self, value: bytes | None, n_features: int | None) -> Rows:
        """See TwoWays."""
        return json_rows(self.layout, value, n_features)

    def bulk(self, columns: RecordColumns, n_features: int) -> Bulk:
        """See TwoWays."""
        values = normal_slices(columns.values)
        counts, nested = [0] * values.length.size, [False] * values.length.size
        vectors: list[list[float | None]] = []
        weights: list[float] = []
        for row, value in _simple(values):
            array, weight, several = self._read(value)
            rows = array if several else [array]
            if all(len(each) == n_features for each in rows):
                vectors += rows
                weights += [weight] * len(rows)
                counts[row], nested[row] = len(rows), several
        flags = np.array(nested, np.bool_)
        return bulk_of(_with_nan(vectors), weights, np.array(counts, np.int64), flags, n_features)

    def _read(self, value: bytes) -> tuple[list[Any], float, bool]:
        """The array, the weight, and whether the array holds arrays; an empty array of arrays where it is neither."""
        try:
            found, several = self.flat.decode(value), False
        except msgspec.MsgspecError:
            found, several = self._read_nested(value), True
        return (found, 1.0, several) if type(found) is list else (found.features, self.weigh(found), several)

    def _read_nested(self, value: bytes) -> Any:  # noqa: ANN401 - a list or the struct of the decoder
        try:
            return self.deep.decode(value)
        except msgspec.MsgspecError:
            return []


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
        for row, value in _simple(values):
            try:
                found.append(msgspec.structs.astuple(self.fields.decode(value)))
            except msgspec.MsgspecError:
                continue
            counts[row] = 1
        width = len(self.fields.type.__struct_fields__)
        table = _with_nan(found).reshape(-1, width)
        numbers = table[:, self.column]
        weights = numbers[:, n_features] if len(self.column) > n_features else np.ones(len(found))
        nested = np.zeros(counts.size, np.bool_)
        return bulk_of(numbers[:, :n_features], weights, counts, nested, n_features)


def bulk_of(
    numbers: Float64,
    weights: Iterable[float],
    counts: np.ndarray[Any, np.dtype[np.int64]],
    nested: Mask,
    d: int,
) -> Bulk:
    """The vectors read; a record with a number or weight that cannot be is left to the general decoder."""
    n = int(counts.sum())
    matrix = np.ascontiguousarray(numbers.reshape(n, d))
    weight = np.fromiter(weights, np.float64, n)
    good = usable(matrix) & (weight >= 0) & (weight <= MOST_WEIGHT)
    if not good.all():
        record = np.repeat(np.arange(counts.size), counts)
        counts[record[~good]] = 0
        kept = counts[record] > 0
        matrix, weight = matrix[kept], weight[kept]
    return Bulk(matrix, weight, counts, nested & (counts > 0))


def _with_nan(numbers: Sequence[Sequence[float | None]]) -> Float64:
    """The numbers with NaN for each None."""
    return np.array(numbers, np.float64)


def json_arrays(layout: ArrayLayout) -> JsonArrays:
    """The decoder for an array, or a map with the array in one field."""
    weigh: Callable[[Any], float] = (lambda _: 1.0) if layout.weight is None else attrgetter("weight")
    return JsonArrays(
        layout, _array_decoder(layout, list[float | None]), _array_decoder(layout, list[list[float | None]]), weigh
    )


def _array_decoder(layout: ArrayLayout, kind: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type
    fields: list[Any] = [("features", kind)]
    names = {"features": layout.field}
    if layout.weight is not None:
        fields.append(("weight", float, 1.0))
        names["weight"] = layout.weight
    return msgspec.json.Decoder(kind | msgspec.defstruct("Value", fields, rename=names))


def json_fields(layout: NamedLayout) -> JsonFields:
    """The decoder for a map with a field for each feature."""
    weight = () if layout.weight is None else (layout.weight,)
    names = list(dict.fromkeys((*layout.names, *weight)))
    fields: list[Any] = [(f"f{i}", float | None, None) for i in range(len(names))]
    if weight and layout.weight not in layout.names:
        fields[-1] = (fields[-1][0], float, 1.0)
    struct = msgspec.defstruct("Value", fields, rename={f"f{i}": name for i, name in enumerate(names)})
    column = tuple(names.index(name) for name in (*layout.names, *weight))
    return JsonFields(layout, msgspec.json.Decoder(struct), column)


def _simple(values: Slices) -> Iterator[tuple[int, bytes]]:
    """The values that the fast way may read, with their rows: it looks neither at escapes nor at what it skips."""
    simple = np.empty(values.length.size, np.bool_)
    _find_simple(values, simple)
    rows = np.flatnonzero(simple)
    data, starts = values.buffer.tobytes(), values.start[rows]
    ends = starts + values.length[rows]
    for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True):
        yield row, data[start:end]


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
    """Counts first, which vectorises, and looks closer only where it must."""
    data = values.buffer
    for i in range(out.size):
        at, end = values.start[i], values.start[i] + values.length[i]
        opened, escapes, foreign = 0, 0, 0
        for j in range(np.uint64(at), np.uint64(max(at, end))):
            opened += (data[j] == 0x5B) | (data[j] == 0x7B)
            escapes += data[j] == 0x5C
            foreign += data[j] >= 0x80
        simple = end > at and escapes == 0
        simple = simple and (opened <= MAX_DEPTH or _is_shallow(data, at, end))
        out[i] = simple and (foreign == 0 or is_utf8(data, at, end))
