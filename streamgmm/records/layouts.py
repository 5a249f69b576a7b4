"""Where the numbers lie in a decoded value (a tree of objects, from msgpack or JSON alike), and what they must be.

`ArrayLayout`: the value is an array, or a map with the array in one field. The array holds numbers (one vector),
arrays of numbers (a vector each), or is a string of bytes: rows of little-endian float64.
`NamedLayout`: the value is a map, each feature a field of its own.
A number that is null or NaN, and a feature's field that is absent, is missing: NaN in the matrix.
This is the general decoder behind the fast paths: it takes every form and names what is wrong.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from streamgmm.records.columns import Int64
from streamgmm.records.decoded import MOST_WEIGHT, Float64, Mask, Rejected, Rows, usable

_ABSENT = object()


class Layout(Protocol):
    """Finds the vectors in a value."""

    def rows(self, value: object, n_features: int | None) -> Rows:
        """The vectors of a decoded value; n_features None takes its own. Raises Rejected."""


class ArrayLayout(NamedTuple):
    """An array, or a map with the array in `field`."""

    field: str
    weight: str | None

    @property
    def fields(self) -> list[str]:
        """The map's fields that are read: the array's, and the weight's where there is one."""
        return [self.field] if self.weight is None else [self.field, self.weight]

    def rows(self, value: object, n_features: int | None) -> Rows:
        """See Layout."""
        array: object = value
        weight: object = _ABSENT
        if isinstance(value, dict):
            array, weight = value.get(self.field, _ABSENT), value.get(self.weight, _ABSENT)
        if array is _ABSENT:
            raise Rejected("wrong_type", f"the map has no field {self.field!r}")
        matrix, nested = _matrix(array, n_features, self.field)
        refuse_unusable(matrix)
        return Rows(matrix, _weights(weight, len(matrix)), nested)


class NamedLayout(NamedTuple):
    """A map with a field for each feature, in the order of `names`."""

    names: tuple[str, ...]
    weight: str | None

    @property
    def fields(self) -> list[str]:
        """The map's fields that are read, each once: the features', and the weight's where there is one."""
        return list(dict.fromkeys(self._wanted))

    @property
    def columns(self) -> Int64:
        """Where in `fields` each feature's field is, and behind them the weight's."""
        fields = self.fields
        return np.array([fields.index(name) for name in self._wanted], np.int64)

    @property
    def _wanted(self) -> tuple[str, ...]:
        return self.names if self.weight is None else (*self.names, self.weight)

    def rows(self, value: object, n_features: int | None) -> Rows:
        """See Layout; the number of features is that of the names."""
        if not isinstance(value, dict):
            raise Rejected("wrong_type", f"a map with the fields {', '.join(self.names)} is wanted, not {_kind(value)}")
        matrix = np.array([[_number(value.get(name), name) for name in self.names]])
        refuse_unusable(matrix, self.names)
        return Rows(matrix, _weights(value.get(self.weight, _ABSENT), 1), nested=False)


def matrix_of_bytes(data: bytes, n_features: int | None, dtype: str) -> Float64:
    """Rows of little-endian numbers; n_features None takes all as one row. Raises Rejected."""
    size = np.dtype(dtype).itemsize
    if not data:
        raise Rejected("no_vectors", "the string of bytes that holds the vectors is empty")
    width = size * n_features if n_features else len(data)
    if len(data) % width or len(data) % size:
        raise Rejected("wrong_dimension", f"{len(data)} bytes are no whole number of rows of {width} bytes")
    with np.errstate(invalid="ignore"):  # a signalling NaN
        return np.frombuffer(data, dtype).astype(np.float64).reshape(-1, width // size)


def refuse_unusable(matrix: Float64, names: Sequence[str] = ()) -> None:
    """Raises Rejected where a number is infinite, saying which by `names` or by its place, or a vector is all NaN."""
    if usable(matrix).all():
        return
    if np.isinf(matrix).any():
        raise Rejected("not_finite", f"feature {_place(np.isinf(matrix), names)} is infinite")
    raise Rejected("all_missing", "every feature of a vector is missing")


def _place(mask: Mask, names: Sequence[str]) -> str:
    row, feature = np.argwhere(mask)[0].tolist()
    if names:
        return repr(names[feature])
    return f"{feature} (counted from 0)" if len(mask) == 1 else f"{feature} of vector {row} (both counted from 0)"


def _matrix(array: object, n_features: int | None, field: str) -> tuple[Float64, bool]:
    if isinstance(array, bytes):
        matrix = matrix_of_bytes(array, n_features, "<f8")
        return matrix, len(matrix) > 1
    if not isinstance(array, list):
        raise Rejected("wrong_type", f"an array of numbers is wanted in {field!r}, not {_kind(array)}")
    if not array:
        raise Rejected("no_vectors", "the array that holds the vectors is empty")
    nested = isinstance(array[0], list)
    rows = array if nested else [array]
    numbers = [_row(row, field) for row in rows]
    wanted = n_features or len(numbers[0])
    for row in numbers:
        if len(row) != wanted or not row:
            raise Rejected("wrong_dimension", f"{len(row)} numbers where {wanted or 'some'} are wanted")
    return np.array(numbers, np.float64), nested


def _row(row: object, field: str) -> list[float]:
    if not isinstance(row, list):
        raise Rejected("wrong_type", f"{field!r} holds arrays and, among them, {_kind(row)}")
    return [_number(item, field) for item in row]


def _number(item: object, field: str) -> float:
    if item is None:
        return math.nan
    if type(item) is float:
        return item
    if type(item) is int:
        return _float(item, field)
    raise Rejected("wrong_type", f"a number is wanted in {field!r}, not {_kind(item)}")


def _float(item: int, field: str) -> float:
    try:
        return float(item)
    except OverflowError:
        raise Rejected("not_finite", f"an integer in {field!r} is too large") from None


def _weights(weight: object, n: int) -> Float64:
    """One weight for all, one each, or 1 where the field is absent."""
    if weight is _ABSENT:
        return np.ones(n)
    given: Sequence[object] = weight if isinstance(weight, list) else [weight] * n
    if len(given) != n:
        raise Rejected("bad_weight", f"{len(given)} weights for {n} vectors")
    return np.array([_weight(each) for each in given])


def _weight(weight: object) -> float:
    if type(weight) not in (float, int):
        raise Rejected("bad_weight", f"the weight is {_kind(weight)}, not a number")
    if not 0 <= weight <= MOST_WEIGHT:  # type: ignore[operator]
        raise Rejected("bad_weight", f"the weight is negative, above {MOST_WEIGHT:g}, or NaN")
    return float(weight)  # type: ignore[arg-type]


def _kind(value: object) -> str:
    names = {dict: "a map", list: "an array", str: "text", bytes: "bytes", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")
