"""Streams from known mixtures, and nine ways in which they change."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter

from streamgmm.mixture.arrays import Array

COMPONENTS = 10
_APART = 3.0  # standard deviation of the means
_SHAPES = 0.7  # of the logarithms of the covariances' eigenvalues, at most


class Mixture(NamedTuple):
    """Weights (k,), means (k, d) and covariances as lower Cholesky factors (k, d, d)."""

    weights: Array
    means: Array
    factors: Array

    @property
    def features(self) -> int:
        """d."""
        return self.means.shape[1]


def mixture(features: int, seed: int) -> Mixture:
    """Ten equal components with covariances of random shapes."""
    rng = np.random.default_rng(seed)
    factors = []
    for _ in range(COMPONENTS):
        axes, _ = np.linalg.qr(rng.normal(size=(features, features)))
        variances = np.exp(rng.uniform(-_SHAPES, _SHAPES, size=features))
        factors.append(np.linalg.cholesky(axes @ np.diag(variances) @ axes.T))
    means = _APART * rng.normal(size=(COMPONENTS, features))
    return Mixture(np.full(COMPONENTS, 1 / COMPONENTS), means, np.array(factors))


def draw(of: Mixture, count: int, rng: np.random.Generator, correlation: float = 0.0) -> Array:
    """Vectors (n, d): independent, or with labels and noise that each follow the last with this autocorrelation."""
    labels = rng.choice(len(of.weights), size=count, p=of.weights)
    noise = rng.normal(size=(count, of.features))
    if correlation:
        fresh = np.flatnonzero(rng.random(count) >= correlation)
        last = np.searchsorted(fresh, np.arange(count), side="right") - 1
        labels = labels[fresh[np.maximum(last, 0)]]
        noise = lfilter([np.sqrt(1 - correlation**2)], [1, -correlation], noise, axis=0)
    return np.ascontiguousarray(of.means[labels] + np.einsum("nij,nj->ni", of.factors[labels], noise))


def changing(before: Mixture, after: Mixture, lengths: tuple[int, int, int], rng: np.random.Generator) -> Array:
    """A stream that is `before`, then changes within a ramp (0: at once), then is `after`: lengths of the three."""
    usual, ramp, rest = lengths
    share = np.concatenate([np.zeros(usual), np.linspace(0, 1, ramp, endpoint=False), np.ones(rest)])
    changed = rng.random(len(share)) < share
    return np.where(changed[:, None], draw(after, len(share), rng), draw(before, len(share), rng))


def _mean(size: float) -> Callable[[Mixture, np.random.Generator], Mixture]:
    def moved(of: Mixture, rng: np.random.Generator) -> Mixture:
        direction = rng.normal(size=of.features)
        means = of.means.copy()
        means[0] += size * of.factors[0] @ (direction / np.linalg.norm(direction))
        return of._replace(means=means)

    return moved


def _variance(of: Mixture, rng: np.random.Generator) -> Mixture:
    factors = of.factors.copy()
    factors[0] *= np.sqrt(2)
    return of._replace(factors=factors)


def _weight(of: Mixture, rng: np.random.Generator) -> Mixture:
    weights = of.weights.copy()
    weights[0] += 0.1
    weights[1:] -= 0.1 / (len(weights) - 1)
    return of._replace(weights=weights)


def _new(of: Mixture, rng: np.random.Generator) -> Mixture:
    return Mixture(
        np.append(0.95 * of.weights, 0.05),
        np.vstack([of.means, _APART * rng.normal(size=of.features)]),
        np.concatenate([of.factors, np.eye(of.features)[None]]),
    )


def _gone(of: Mixture, rng: np.random.Generator) -> Mixture:
    weights = of.weights.copy()
    weights[0] = 0
    return of._replace(weights=weights / weights.sum())


def _rotated(of: Mixture, rng: np.random.Generator) -> Mixture:
    """Every other feature of a component mirrored at its mean: all margins stay, correlations change their sign."""
    signs = np.where(np.arange(of.features) % 2, -1.0, 1.0)
    covariance = of.factors[0] @ of.factors[0].T * np.outer(signs, signs)
    factors = of.factors.copy()
    factors[0] = np.linalg.cholesky(covariance)
    return of._replace(factors=factors)


CHANGES: Mapping[str, Callable[[Mixture, np.random.Generator], Mixture]] = {
    "mean moved by .25 sd": _mean(0.25),
    "mean moved by .5 sd": _mean(0.5),
    "mean moved by 1 sd": _mean(1.0),
    "mean moved by 2 sd": _mean(2.0),
    "variance doubled": _variance,
    "weight shifted by .1": _weight,
    "new cluster of 5 %": _new,
    "cluster gone": _gone,
    "rotation, same margins": _rotated,
}
