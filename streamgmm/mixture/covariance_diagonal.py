"""Covariances of independent features: a variance for each, or one for all of them. `Covariance` says what each method
is.
"""

import numpy as np

from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.blend import blend_diagonal, blend_spherical
from streamgmm.mixture.covariance_by_component import ByComponent
from streamgmm.mixture.kernel import DIAGONAL
from streamgmm.mixture.m_step import maximise_diagonal, maximise_spherical


class Diagonal(ByComponent):
    """Each component has a variance for each feature."""

    name = "diag"
    kernel = DIAGONAL
    blend = staticmethod(blend_diagonal)
    maximise = staticmethod(maximise_diagonal)

    def shape(self, k: int, d: int) -> tuple[int, ...]:  # noqa: D102
        return (k, d)

    def factors(self, precisions_cholesky: Array, shape: tuple[int, int]) -> Array:  # noqa: D102
        return frozen(precisions_cholesky)

    def of_sums(self, scatter: Array) -> Array:  # noqa: D102
        return scatter

    def outer(self, mass: Array, shift: Array) -> Array:  # noqa: D102
        return mass[:, None] * shift**2

    def square(self, factors: Array) -> Array:  # noqa: D102
        return np.asarray(factors**2)

    def add_to_diagonal(self, covariances: Array, ridge: Array) -> Array:  # noqa: D102
        return covariances + ridge

    def factorise(self, covariances: Array) -> tuple[Array, Flags]:  # noqa: D102
        sound = (covariances > 0) & np.isfinite(covariances)
        return 1.0 / np.sqrt(np.where(sound, covariances, 1.0)), np.asarray(sound.all(axis=1))

    def axis(self, covariances: Array, k: int, n_features: int, rank: int = 0) -> Array:  # noqa: D102
        feature = int(np.argsort(-covariances[k], kind="stable")[rank])
        return np.where(np.arange(n_features) == feature, np.sqrt(covariances[k, feature]), 0.0)

    def set_apart(self, covariances: Array, features: Flags, variances: Array) -> Array:  # noqa: D102
        return np.where(features, variances, covariances)

    def log_determinants(self, precisions_cholesky: Array, n_features: int) -> Array:  # noqa: D102
        return np.asarray(np.log(precisions_cholesky).sum(axis=1))

    def whiten(self, deviations: Array, precisions_cholesky: Array) -> Array:  # noqa: D102
        return deviations * precisions_cholesky[:, None, :]

    def variances(self, covariances: Array, shape: tuple[int, int]) -> Array:  # noqa: D102
        return covariances

    def project(self, covariances: Array, axes: Array, n_components: int) -> Array:  # noqa: D102
        return np.asarray((axes * covariances[:, None, :]) @ axes.T)

    def within(self, covariances: Array, weights: Array, n_features: int) -> Array:  # noqa: D102
        return np.diag(weights @ covariances / weights.sum())


class Spherical(Diagonal):
    """Each component has one variance."""

    name = "spherical"
    blend = staticmethod(blend_spherical)
    maximise = staticmethod(maximise_spherical)

    def shape(self, k: int, d: int) -> tuple[int, ...]:  # noqa: D102
        return (k,)

    def factors(self, precisions_cholesky: Array, shape: tuple[int, int]) -> Array:  # noqa: D102
        return frozen(np.broadcast_to(precisions_cholesky[:, None], shape))

    def of_sums(self, scatter: Array) -> Array:  # noqa: D102
        return np.asarray(scatter.mean(axis=1))

    def outer(self, mass: Array, shift: Array) -> Array:  # noqa: D102
        return np.asarray(mass * (shift**2).mean(axis=1))

    def add_to_diagonal(self, covariances: Array, ridge: Array) -> Array:  # noqa: D102
        return np.asarray(covariances + ridge.mean(axis=-1))

    def factorise(self, covariances: Array) -> tuple[Array, Flags]:  # noqa: D102
        factors, sound = super().factorise(covariances[:, None])
        return factors[:, 0], sound

    def set_apart(self, covariances: Array, features: Flags, variances: Array) -> Array:  # noqa: D102
        return covariances

    def axis(self, covariances: Array, k: int, n_features: int, rank: int = 0) -> Array:  # noqa: D102
        return np.where(np.arange(n_features) == rank, np.sqrt(covariances[k]), 0.0)

    def log_determinants(self, precisions_cholesky: Array, n_features: int) -> Array:  # noqa: D102
        return np.asarray(n_features * np.log(precisions_cholesky))

    def whiten(self, deviations: Array, precisions_cholesky: Array) -> Array:  # noqa: D102
        return deviations * precisions_cholesky[:, None, None]

    def variances(self, covariances: Array, shape: tuple[int, int]) -> Array:  # noqa: D102
        return np.broadcast_to(covariances[:, None], shape)

    def project(self, covariances: Array, axes: Array, n_components: int) -> Array:  # noqa: D102
        return np.asarray(covariances[:, None, None] * (axes @ axes.T))

    def within(self, covariances: Array, weights: Array, n_features: int) -> Array:  # noqa: D102
        return np.asarray(np.eye(n_features) * (weights @ covariances / weights.sum()))
