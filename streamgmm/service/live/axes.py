"""What a page looks along: two features, or the reference's two principal axes.

Everything is in the model's coordinates, where its covariances are: a feature with a transform is drawn on an axis
that is stretched by it and labelled in its own units, so that the ellipses are exact.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters

PATTERN = r"^p?[0-9]{1,5}$"
NAMED = 2  # features that a principal axis is explained by


class Axis(NamedTuple):
    """One direction of the model's space."""

    key: str  # as in the address: a feature's number, or p0, p1
    feature: int | None
    direction: Array  # (d,)
    origin: Array  # (d,) coordinates are taken from here
    share: float | None = None  # of the standardised variance, for a principal axis
    loads: tuple[tuple[int, float], ...] = ()  # the features that weigh most in it, with sign


class Principal(NamedTuple):
    """Principal axes of a mixture whose features are brought to variance one."""

    axes: Array  # (m, d) m at most 2
    mean: Array  # (d,)
    shares: tuple[float, ...]
    loads: Array  # (m, d) unit vectors in the standardised space


class View(NamedTuple):
    """Two axes; of a single feature only one."""

    x: Axis
    y: Axis | None

    @property
    def matrix(self) -> Array:
        """(m, d)."""
        return np.stack([axis.direction for axis in self.axes])

    @property
    def origin(self) -> Array:
        """(m,) along the axes."""
        return np.array([axis.direction @ axis.origin for axis in self.axes])

    @property
    def axes(self) -> tuple[Axis, ...]:
        """One or two."""
        return (self.x,) if self.y is None else (self.x, self.y)


def principal(parameters: Parameters, covariance: Covariance) -> Principal:
    """Of the mixture's own covariance; signs are such that each axis' largest load is positive."""
    weights = parameters.weights / parameters.weights.sum()
    mean = weights @ parameters.means
    within = covariance.within(parameters.covariances, weights, len(mean))
    shift = parameters.means - mean
    total = within + (weights[:, None] * shift).T @ shift
    scale = np.sqrt(np.maximum(np.diag(total), np.finfo(float).tiny))
    variances, directions = np.linalg.eigh(total / np.outer(scale, scale))
    loads = directions.T[::-1][:2]
    loads = loads * np.sign(loads[np.arange(len(loads)), np.abs(loads).argmax(axis=1)])[:, None]
    shares = tuple((variances[::-1][:2] / max(variances.sum(), np.finfo(float).tiny)).tolist())
    return Principal(loads / scale, mean, shares, loads)


def view(x: str, y: str, n_features: int, found: Callable[[], Principal]) -> View:
    """The axes of these keys; what the model does not have falls back to its first features.

    `found` is asked only where a principal axis is wanted.
    """
    if n_features == 1:
        return View(_axis("0", 1, found), None)
    return View(
        _axis(_known(x, n_features, "0"), n_features, found), _axis(_known(y, n_features, "1"), n_features, found)
    )


def along(axis: Axis, vectors: Array) -> Array:
    """Coordinates (n,) of vectors (n, d); NaN where what the axis needs is missing."""
    if axis.feature is not None:
        return vectors[:, axis.feature]
    return np.asarray((vectors - axis.origin) @ axis.direction)


def _known(key: str, n_features: int, otherwise: str) -> str:
    number, bound = (int(key[1:]), 2) if key.startswith("p") else (int(key), n_features)
    return key if number < bound else otherwise


def _axis(key: str, n_features: int, found: Callable[[], Principal]) -> Axis:
    if not key.startswith("p"):
        feature = int(key)
        return Axis(key, feature, np.eye(1, n_features, feature)[0], np.zeros(n_features))
    number, axes = int(key[1:]), found()
    loads = axes.loads[number]
    largest = np.argsort(-np.abs(loads), kind="stable")[:NAMED]
    named = tuple((int(i), float(loads[i])) for i in largest)
    return Axis(key, None, axes.axes[number], axes.mean, axes.shares[number], named)
