"""Values of named tuples and arrays as plain maps, lists and bytes, and back: what a checkpoint is written in.

A named tuple becomes a map of its fields, an array `{"dtype": "<f8", "shape": [k, d], "data": bytes}` in C order. What
`compact` has made of such a map is understood.
Back again the fields' types say what is what, so the documents name no class of this program.
"""

import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from streamgmm.service.compact import whole


def to_plain(value: Any) -> Any:  # noqa: ANN401 - any value of the state
    """Maps, lists, bytes, numbers, strings and None only."""
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.str, "shape": list(value.shape), "data": value.tobytes()}
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "_asdict"):
        return {name: to_plain(field) for name, field in value._asdict().items()}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def from_plain(kind: Any, plain: Any) -> Any:  # noqa: ANN401 - the type is an argument
    """The value of type `kind` that `to_plain` made `plain` of. Raises ValueError, naming the field, if it is none."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if plain is None else from_plain(next(a for a in arguments if a is not type(None)), plain)
    if origin is np.ndarray:
        return _array(plain)
    if hasattr(kind, "_fields"):
        return _named_tuple(kind, plain)
    if origin is tuple:
        return tuple(from_plain(arguments[0], item) for item in plain)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: from_plain(arguments[1], item) for key, item in plain.items()}
    if kind is Any or origin is Literal or isinstance(plain, (int, float) if kind is float else kind):
        return plain
    raise ValueError(f"expected {getattr(kind, '__name__', kind)}, found {type(plain).__name__}")


def _named_tuple(kind: Any, plain: Any) -> Any:  # noqa: ANN401 - the type is an argument
    hints = get_type_hints(kind)
    fields = {}
    for name in kind._fields:
        try:
            fields[name] = from_plain(hints[name], plain[name])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"field {name}: {error}") from error
    return kind(**fields)


def _array(plain: Any) -> Any:  # noqa: ANN401 - a map from a checkpoint
    plain = whole(plain)
    array = np.frombuffer(plain["data"], np.dtype(plain["dtype"])).reshape(plain["shape"])
    return array.copy() if array.flags.writeable else array
