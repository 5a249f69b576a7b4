"""A fitted estimator as a document, and as scikit-learn's GaussianMixture.

The document is the service's checkpoint, or the part of it that a model by itself has: `schema`, `version`,
`features`, `n_components`, `covariance_type`, `n_features` and `live.mixture`, `live.ids`; the README says field by
field what they hold. `parameters` is beside them: the estimator's own. So a checkpoint of the service opens as an
estimator, and what is saved here is read by whoever reads a checkpoint. It restores every bit: learning goes on as if
it had never stopped.

As msgpack an array is `{"dtype": "<f8", "shape": [k, d], "data": bytes}`; as JSON its data are a list of numbers, in
the same order, written so that they read back exactly.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted

from streamgmm import __version__
from streamgmm.estimator import StreamingGaussianMixture
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import stepwise_em
from streamgmm.mixture.given import given, parameters_of
from streamgmm.mixture.parameters import shape_of
from streamgmm.mixture.stepwise_em import State
from streamgmm.service.checkpoint import SCHEMA
from streamgmm.service.compact import with_factors
from streamgmm.service.plain import from_plain, to_plain

_NOT_KEPT = ("n_components", "weights_init", "means_init", "precisions_init", "random_state")  # the model is there
_SAME_IN_SCIKIT_LEARN = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "n_features_in_")
_AFTER_A_FIT = ("converged_", "n_iter_", "lower_bound_", "feature_names_in_")


def save(estimator: StreamingGaussianMixture, path: str | Path) -> None:
    """Write a fitted estimator to a file, `.json` or `.msgpack`. Raises ValueError for another suffix."""
    encode = {".json": to_json, ".msgpack": to_msgpack}
    Path(path).write_bytes(encode[_suffix(path)](estimator))


def load(path: str | Path, **parameters: object) -> StreamingGaussianMixture:
    """Read an estimator from a file, `.json` or `.msgpack`; `parameters` take the place of those it was saved with.

    Raises ValueError where the file holds no model of this schema.
    """
    decode = {".json": from_json, ".msgpack": from_msgpack}
    return decode[_suffix(path)](Path(path).read_bytes(), **parameters)


def to_msgpack(estimator: StreamingGaussianMixture) -> bytes:
    """The document of a fitted estimator."""
    return msgspec.msgpack.encode(_document(estimator))


def from_msgpack(data: bytes, **parameters: object) -> StreamingGaussianMixture:
    """The estimator of a document, which may be a checkpoint of the service. Raises ValueError if it is none."""
    try:
        document = msgspec.msgpack.decode(data, strict=False)
    except msgspec.DecodeError as error:
        raise ValueError(f"the document is not msgpack: {error}") from error
    return _estimator(document, parameters)


def to_json(estimator: StreamingGaussianMixture) -> bytes:
    """The document of a fitted estimator as JSON (UTF-8)."""
    return json.dumps(_with_lists(_document(estimator)), allow_nan=False).encode()


def from_json(data: bytes | str, **parameters: object) -> StreamingGaussianMixture:
    """The estimator of a JSON document. Raises ValueError if it is none."""
    return _estimator(_with_bytes(json.loads(data)), parameters)


def to_scikit_learn(estimator: StreamingGaussianMixture) -> GaussianMixture:
    """A fitted GaussianMixture that says what this model says; a `fit` of it starts there."""
    check_is_fitted(estimator)
    model = GaussianMixture(
        estimator.n_components,
        covariance_type=estimator.covariance_type,
        weights_init=estimator.weights_,
        means_init=estimator.means_,
        precisions_init=estimator.precisions_,
    )
    for name in (*_SAME_IN_SCIKIT_LEARN, *(name for name in _AFTER_A_FIT if hasattr(estimator, name))):
        setattr(model, name, getattr(estimator, name))
    return model


def from_scikit_learn(model: GaussianMixture, **parameters: object) -> StreamingGaussianMixture:
    """An estimator that goes on from a fitted GaussianMixture, at time 0; `parameters` are the estimator's."""
    check_is_fitted(model)
    covariance = covariances.by_name(model.covariance_type)
    known = given(
        covariance,
        model.means_.shape,
        weights_init=model.weights_,
        means_init=model.means_,
        covariances_init=model.covariances_,
    )
    settings = {"covariance_type": model.covariance_type, "reg_covar": model.reg_covar} | parameters
    learning = StreamingGaussianMixture(**settings).learning()
    state = stepwise_em.begin(*parameters_of(known, covariance), learning)
    return StreamingGaussianMixture.from_state(state, getattr(model, "feature_names_in_", None), **settings)


# ---- the document


def _document(estimator: StreamingGaussianMixture) -> dict[str, Any]:
    check_is_fitted(estimator)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "features": [str(name) for name in getattr(estimator, "feature_names_in_", [])],
        "n_components": int(estimator.n_components),
        "covariance_type": estimator.covariance_type,
        "n_features": int(estimator.n_features_in_),
        "live": {"mixture": to_plain(estimator.state_), "ids": to_plain(np.arange(estimator.n_components))},
        "parameters": {
            name: to_plain(value) for name, value in estimator.get_params().items() if name not in _NOT_KEPT
        },
    }


def _estimator(document: object, parameters: Mapping[str, object]) -> StreamingGaussianMixture:
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else type(document).__name__
        raise ValueError(f"the document has schema {found!r}; this version ({__version__}) reads {SCHEMA}")
    if document.get("live") is None:
        raise ValueError("the document holds no model: it was written before the model had started")
    try:
        slim = from_plain(State, document["live"]["mixture"])
        state = with_factors(slim, covariances.by_name(document["covariance_type"]))
        known = {"covariance_type": document["covariance_type"]} | document.get("parameters", {})
    except (KeyError, TypeError) as error:
        raise ValueError(f"the document does not hold what schema {SCHEMA} says: {error!r}") from error
    names = document.get("features") or []
    features = names if len(names) == shape_of(state.parameters)[1] and "parameters" in document else None
    return StreamingGaussianMixture.from_state(state, features, **known | parameters)


def _suffix(path: str | Path) -> str:
    suffix = Path(path).suffix
    if suffix not in (".json", ".msgpack"):
        raise ValueError(f"path is {str(path)!r}; its suffix must be .json or .msgpack")
    return suffix


def _with_lists(plain: Any) -> Any:  # noqa: ANN401 - any plain value
    """The plain value with each array's data as a list of numbers."""
    if isinstance(plain, dict) and isinstance(plain.get("data"), bytes):
        return plain | {"data": np.frombuffer(plain["data"], plain["dtype"]).tolist()}
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
