"""A model as a file, `.msgpack` or `.json`: the part of a checkpoint that a model by itself has.

The document has `schema`, `version`, `features`, `n_components`, `covariance_type`, `n_features`, `live.mixture` and
`live.ids`; the README says field by field what they hold. What else it has is passed over. As msgpack an array is
`{"dtype": "<f8", "shape": [k, d], "data": bytes}`; as JSON its data are a list of numbers, in the same order, written
so that they read back exactly.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from streamgmm import __version__
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import soundness
from streamgmm.mixture.parameters import shape_of
from streamgmm.mixture.state import State
from streamgmm.service.checkpoint import SCHEMA, Checkpoint
from streamgmm.service.compact import with_factors
from streamgmm.service.plain import from_plain, to_plain

_OF_THE_MODEL = ("schema", "version", "model", "features", "covariance_type", "n_features", "generation", "ids_version")


def suffix_of(path: str | Path) -> str:
    """`.json` or `.msgpack`. Raises ValueError for another ending."""
    suffix = Path(path).suffix
    if suffix not in (".json", ".msgpack"):
        raise ValueError(f"path is {str(path)!r}; its suffix must be .json or .msgpack")
    return suffix


def encode(document: dict[str, Any], suffix: str) -> bytes:
    """The document as bytes."""
    if suffix == ".msgpack":
        return msgspec.msgpack.encode(document)
    return json.dumps(_with_lists(document), allow_nan=False).encode()


def decode(data: bytes | str, suffix: str) -> Any:  # noqa: ANN401 - whatever the bytes hold
    """What `encode` made bytes of. Raises ValueError for what is neither."""
    try:
        if suffix == ".json":
            return _with_bytes(json.loads(data))
        return msgspec.msgpack.decode(data, strict=False)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError, RecursionError) as error:  # DecodeError is a ValueError
        raise ValueError(f"the document is not {suffix.removeprefix('.')}: {error}") from error


def document_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """The document of a checkpoint's model. Raises ValueError where it has none yet."""
    if checkpoint.live is None:
        raise ValueError(f"model {checkpoint.model!r} has not started: it is warming up")
    kept = {name: to_plain(getattr(checkpoint, name)) for name in (*_OF_THE_MODEL, "n_components")}
    live = {"mixture": to_plain(checkpoint.live.mixture), "ids": to_plain(checkpoint.live.ids)}
    return kept | {"live": live}


def checked(document: object) -> dict[str, Any]:
    """The document, if it is one of this schema that holds a model. Raises ValueError if it is not."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise ValueError(f"the document has schema {found!r}; this version ({__version__}) reads {SCHEMA}")
    if document.get("live") is None:
        raise ValueError("the document holds no model: it was written before the model had started")
    return document


def state_of(document: dict[str, Any]) -> State:
    """The mixture's state. Raises ValueError for one that is none, naming what is missing or wrong."""
    try:
        slim = from_plain(State, document["live"]["mixture"])
        covariance = covariances.by_name(document["covariance_type"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"the document does not hold what schema {SCHEMA} says: {error!r}") from error
    try:
        soundness.check_parameters(slim.parameters, covariance)
        state: State = with_factors(slim, covariance)
        soundness.check_statistics(state, covariance)
        _check_beside(document, shape_of(state.parameters))
    except ValueError as error:
        raise ValueError(f"the document's model is none: {error}") from error
    return state


def _check_beside(document: dict[str, Any], shape: tuple[int, int]) -> None:
    """What stands beside the model says the same of it. Raises ValueError that names the field."""
    for name, held in zip(("n_components", "n_features"), shape, strict=True):
        if document.get(name) != held:
            raise ValueError(f"{name} is {document.get(name)!r}; the means' shape, {shape}, says {held}")
    features = document.get("features")
    if not isinstance(features, list) or len(features) not in {0, 1, shape[1]}:
        raise ValueError(f"features is {features!r}; it must be a list of {shape[1]} names, of one field, or empty")
    try:
        ids = from_plain(np.ndarray[Any, Any], document["live"]["ids"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"ids is none: {error!r}") from error
    if ids.dtype.kind != "i" or ids.shape != shape[:1] or len(np.unique(ids)) < shape[0] or ids.min() < 0:
        raise ValueError(f"ids is {ids.tolist()}; it must be {shape[0]} different integers of at least 0")


def _with_lists(plain: Any) -> Any:  # noqa: ANN401 - any plain value
    """The plain value with each array's data as a list of numbers; what is missing (NaN) is null."""
    if isinstance(plain, dict) and isinstance(plain.get("data"), bytes):
        numbers = np.frombuffer(plain["data"], plain["dtype"]).tolist()
        return plain | {"data": [number if number == number else None for number in numbers]}  # noqa: PLR0124 - NaN
    if isinstance(plain, dict):
        return {key: _with_lists(value) for key, value in plain.items()}
    return [_with_lists(item) for item in plain] if isinstance(plain, list) else plain


def _with_bytes(plain: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The plain value with each array's data as bytes again."""
    if isinstance(plain, dict) and "dtype" in plain and isinstance(plain.get("data"), list):
        return plain | {"data": np.array(plain["data"], plain["dtype"]).tobytes()}
    if isinstance(plain, dict):
        return {key: _with_bytes(value) for key, value in plain.items()}
    return [_with_bytes(item) for item in plain] if isinstance(plain, list) else plain
