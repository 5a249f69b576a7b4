"""What a checkpoint leaves out because it follows from the rest, bit for bit.

A factor of a precision follows from its covariance, and half of a symmetric matrix from the other half. Both are
looked at and not assumed: what does not follow in every bit is written whole. So a checkpoint of full covariances
takes 16 K D^2 bytes: a triangle each of the covariances, the statistics, what is pending, and the reference.
"""

from typing import Any

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters

TRIANGLE = "triangle"  # in an array's map, with the value LOWER: its data are the lower triangles, row by row
LOWER = "lower"
_LEFT_OUT = frozen(np.empty(0))


def without_factors(value: Any, covariance: Covariance) -> Any:  # noqa: ANN401 - any value of the state
    """Named tuples with the precision factors left out of all Parameters in them, where they follow."""
    if isinstance(value, Parameters):
        follows = _same_bits(covariance.factorise(value.covariances)[0], value.precisions_cholesky)
        return value._replace(precisions_cholesky=_LEFT_OUT) if follows else value
    return _mapped(value, covariance, without_factors)


def with_factors(value: Any, covariance: Covariance) -> Any:  # noqa: ANN401 - any value of the state
    """The inverse of `without_factors`."""
    if isinstance(value, Parameters):
        if value.precisions_cholesky.size:
            return value
        return value._replace(precisions_cholesky=frozen(covariance.factorise(value.covariances)[0]))
    return _mapped(value, covariance, with_factors)


def with_triangles(plain: Any) -> Any:  # noqa: ANN401 - what `to_plain` makes
    """The plain value with a lower triangle in place of each symmetric matrix."""
    if isinstance(plain, dict) and "dtype" in plain:
        return _triangle(plain)
    if isinstance(plain, dict):
        return {name: with_triangles(item) for name, item in plain.items()}
    return [with_triangles(item) for item in plain] if isinstance(plain, list) else plain


def whole(plain: Any) -> Any:  # noqa: ANN401 - a map of an array, from a checkpoint
    """An array's map with all of its data; see `with_triangles`."""
    if plain.get(TRIANGLE) != LOWER:
        return plain
    shape = plain["shape"]
    rows, columns = np.tril_indices(shape[-1])
    half = np.frombuffer(plain["data"], plain["dtype"]).reshape(*shape[:-2], len(rows))
    array = np.empty(shape, plain["dtype"])
    array[..., rows, columns] = half
    array[..., columns, rows] = half
    return {"dtype": plain["dtype"], "shape": shape, "data": array.tobytes()}


def _triangle(plain: dict[str, Any]) -> dict[str, Any]:
    shape = plain["shape"]
    if len(shape) < 2 or shape[-1] != shape[-2] or shape[-1] < 2:
        return plain
    array = np.frombuffer(plain["data"], plain["dtype"]).reshape(shape)
    if not _same_bits(array, array.swapaxes(-1, -2)):
        return plain
    rows, columns = np.tril_indices(shape[-1])
    return plain | {TRIANGLE: LOWER, "data": array[..., rows, columns].tobytes()}


def _same_bits(a: Array, b: Array) -> bool:
    return a.shape == b.shape and np.array_equal(_bits(a), _bits(b))


def _bits(array: Array) -> Any:  # noqa: ANN401 - an array of integers as wide as its numbers
    return np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")


def _mapped(value: Any, covariance: Covariance, change: Any) -> Any:  # noqa: ANN401 - any value of the state
    if hasattr(value, "_fields"):
        return value._replace(**{name: change(item, covariance) for name, item in value._asdict().items()})
    return tuple(change(item, covariance) for item in value) if isinstance(value, tuple) else value
