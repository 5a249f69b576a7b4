"""Mixtures and streams for the tests."""

from typing import Any

import numpy as np

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.parameters import Parameters, shape_of
from streamgmm.mixture.pending import nothing
from streamgmm.mixture.state import State
from streamgmm.mixture.statistics import Statistics

NAMES = ("full", "tied", "diag", "spherical")


def learning(name: str, **settings: Any) -> Learning:
    return Learning(covariances.by_name(name), **{"batch_size": 512, **settings})


def random_covariances(name: str, k: int, d: int, generator: np.random.Generator) -> Array:
    """Well conditioned, in the shape of the type."""
    roots = generator.normal(size=(k, d, d))
    full = roots @ roots.transpose(0, 2, 1) + np.eye(d)
    variances = generator.uniform(0.5, 2.0, size=(k, d))
    return {"full": full, "tied": full[0], "diag": variances, "spherical": variances[:, 0]}[name]


def random_parameters(name: str, k: int, d: int, generator: np.random.Generator) -> Parameters:
    spread = random_covariances(name, k, d, generator)
    factors, sound = covariances.by_name(name).factorise(spread)
    assert sound.all()
    weights = generator.dirichlet(np.full(k, 5.0))
    return Parameters(*map(frozen, (weights, generator.normal(size=(k, d)) * 3, spread, factors)))


def as_state(parameters: Parameters, covariance: Covariance) -> State:
    """A state that has learnt exactly these parameters, at time 0."""
    weights, means, spread, _ = parameters
    mass = weights.reshape(-1, *(1,) * (spread.ndim - 1)) if covariance.name != "tied" else 1.0
    statistics = Statistics(weights, means, frozen(mass * spread))
    return State(parameters, statistics, nothing(shape_of(parameters), covariance.kernel), 0.0, 0, 0, 5000.0)


def random_state(name: str, k: int, d: int, generator: np.random.Generator) -> State:
    return as_state(random_parameters(name, k, d, generator), covariances.by_name(name))


def as_full(name: str, covariance: Array, k: int, d: int) -> Array:
    """(k, d, d), whatever the type."""
    if name == "spherical":
        return covariance[:, None, None] * np.eye(d)
    return covariance[:, None] * np.eye(d) if name == "diag" else np.broadcast_to(covariance, (k, d, d))


def leaves(value: Any) -> list[Any]:
    """The arrays and numbers of a value, in order; what is None has none."""
    if value is None:
        return []
    return [leaf for part in value for leaf in leaves(part)] if isinstance(value, tuple) else [value]


def bits(value: Any) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in leaves(value)]


def all_finite(value: Any) -> bool:
    return all(np.isfinite(leaf).all() for leaf in leaves(value) if not isinstance(leaf, str))
