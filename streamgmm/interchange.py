"""A fitted estimator as a document, and as scikit-learn's GaussianMixture.

The document is the service's checkpoint, or the part of it that a model by itself has: `schema`, `version`,
`features`, `n_components`, `covariance_type`, `n_features` and `live.mixture`, `live.ids`; the README says field by
field what they hold. `parameters` is beside them: the estimator's own. So a checkpoint of the service opens as an
estimator, and what is saved here is read by whoever reads a checkpoint. It restores every bit: learning goes on as if
it had never stopped.

`service.model_file` says how it is written.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.utils.validation import check_is_fitted

from streamgmm import __version__
from streamgmm.estimator import StreamingGaussianMixture
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import stepwise_em
from streamgmm.mixture.given import given, parameters_of
from streamgmm.mixture.parameters import shape_of
from streamgmm.service import model_file
from streamgmm.service.checkpoint import SCHEMA
from streamgmm.service.plain import to_plain

_NOT_KEPT = ("n_components", "weights_init", "means_init", "precisions_init")  # the model is there
_SHARED = ("tol", "reg_covar", "max_iter", "n_init", "random_state", "warm_start")  # parameters of both
_SAME_IN_SCIKIT_LEARN = ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_", "n_features_in_")
_AFTER_A_FIT = ("converged_", "n_iter_", "lower_bound_", "feature_names_in_")


def save(estimator: StreamingGaussianMixture, path: str | Path) -> None:
    """Write a fitted estimator to a file, `.json` or `.msgpack`. Raises ValueError for another suffix."""
    suffix = model_file.suffix_of(path)
    Path(path).write_bytes(model_file.encode(_document(estimator), suffix))


def load(path: str | Path, **parameters: object) -> StreamingGaussianMixture:
    """Read an estimator from a file, `.json` or `.msgpack`; `parameters` take the place of those it was saved with.

    Raises ValueError where the file holds no model of this schema.
    """
    suffix = model_file.suffix_of(path)
    return _estimator(model_file.decode(Path(path).read_bytes(), suffix), parameters)


def to_msgpack(estimator: StreamingGaussianMixture) -> bytes:
    """The document of a fitted estimator."""
    return model_file.encode(_document(estimator), ".msgpack")


def from_msgpack(data: bytes, **parameters: object) -> StreamingGaussianMixture:
    """The estimator of a document, which may be a checkpoint of the service. Raises ValueError if it is none."""
    return _estimator(model_file.decode(data, ".msgpack"), parameters)


def to_json(estimator: StreamingGaussianMixture) -> bytes:
    """The document of a fitted estimator as JSON (UTF-8)."""
    return model_file.encode(_document(estimator), ".json")


def from_json(data: bytes | str, **parameters: object) -> StreamingGaussianMixture:
    """The estimator of a JSON document. Raises ValueError if it is none."""
    return _estimator(model_file.decode(data, ".json"), parameters)


def to_scikit_learn(estimator: StreamingGaussianMixture) -> GaussianMixture:
    """A fitted GaussianMixture that says what this model says; a `fit` of it starts there."""
    check_is_fitted(estimator)
    starts = GaussianMixture._parameter_constraints["init_params"][0].options
    model = GaussianMixture(
        len(estimator.weights_),
        covariance_type=estimator.fitted_type,
        init_params=estimator.init_params if estimator.init_params in starts else "kmeans",
        weights_init=estimator.weights_,
        means_init=estimator.means_,
        precisions_init=estimator.precisions_,
        **{name: getattr(estimator, name) for name in _SHARED},
    )
    for name in (*_SAME_IN_SCIKIT_LEARN, *(name for name in _AFTER_A_FIT if hasattr(estimator, name))):
        setattr(model, name, getattr(estimator, name))
    return model


def from_scikit_learn(model: GaussianMixture, **parameters: object) -> StreamingGaussianMixture:
    """An estimator that goes on from a fitted GaussianMixture, at time 0, with the parameters that both have.

    `parameters` are the estimator's, and take the place of those. Raises ValueError for another kind of model.
    """
    if not isinstance(model, GaussianMixture):
        raise ValueError(f"model is a {type(model).__name__}; it must be a GaussianMixture of scikit-learn")  # noqa: TRY004
    check_is_fitted(model)
    covariance = covariances.by_name(model.covariance_type)
    known = given(
        covariance,
        model.means_.shape,
        weights_init=model.weights_,
        means_init=model.means_,
        covariances_init=model.covariances_,
    )
    _refuse_another_type(model.covariance_type, parameters)
    settings = {name: getattr(model, name) for name in ("covariance_type", "init_params", *_SHARED)} | parameters
    learning = StreamingGaussianMixture(**settings).learning()
    state = stepwise_em.begin(*parameters_of(known, covariance), learning)
    return StreamingGaussianMixture.from_state(state, getattr(model, "feature_names_in_", None), **settings)


# ---- the document


def _document(estimator: StreamingGaussianMixture) -> dict[str, Any]:
    """What was fitted, whatever the parameters have been set to since."""
    check_is_fitted(estimator)
    n_components, n_features = shape_of(estimator.state_.parameters)
    parameters = estimator.get_params() | {"covariance_type": estimator.fitted_type}
    return {
        "schema": SCHEMA,
        "version": __version__,
        "features": [str(name) for name in getattr(estimator, "feature_names_in_", [])],
        "n_components": n_components,
        "covariance_type": estimator.fitted_type,
        "n_features": n_features,
        "live": {"mixture": to_plain(estimator.state_), "ids": to_plain(np.arange(n_components))},
        "parameters": {name: to_plain(value) for name, value in _kept(parameters)},
    }


def _kept(parameters: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Those that a document keeps: a generator of random numbers is none, a seed is."""
    for name, value in parameters.items():
        if name not in _NOT_KEPT and not isinstance(value, np.random.RandomState):
            yield name, value


def _estimator(found: object, parameters: Mapping[str, object]) -> StreamingGaussianMixture:
    document = model_file.checked(found)
    state = model_file.state_of(document)
    _refuse_another_type(document["covariance_type"], parameters)
    known: dict[str, Any] = {"covariance_type": document["covariance_type"], **_parameters_of(document)}
    names = document.get("features") or []
    features = names if len(names) == shape_of(state.parameters)[1] and "parameters" in document else None
    return StreamingGaussianMixture.from_state(state, features, **{**known, **parameters})


def _parameters_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The estimator's own, none in a checkpoint of the service. Raises ValueError for what it does not have."""
    found, names = document.get("parameters", {}), StreamingGaussianMixture().get_params()
    if not isinstance(found, dict) or not found.keys() <= names.keys():
        raise ValueError(f"the document's parameters are {found!r}; they must be a map of {', '.join(names)}")
    return found


def _refuse_another_type(kept: str, parameters: Mapping[str, object]) -> None:
    given = parameters.get("covariance_type", kept)
    if given != kept:
        raise ValueError(
            f"covariance_type is {given!r}, but the model's is {kept!r}; its covariances have another shape"
        )
