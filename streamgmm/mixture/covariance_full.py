"""Covariances that are whole matrices, one for each component or one for all; `Covariance` says what each method is."""

import numpy as np

from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.blend import blend_full, blend_tied
from streamgmm.mixture.covariance_by_component import ByComponent
from streamgmm.mixture.factorise import precision_factors
from streamgmm.mixture.kernel import FULL
from streamgmm.mixture.m_step import maximise_full, maximise_tied


class Full(ByComponent):
    """Each component has a covariance of its own."""

    name = "full"
    kernel = FULL
    blend = staticmethod(blend_full)
    maximise = staticmethod(maximise_full)

    def shape(self, k: int, d: int) -> tuple[int, ...]:  # noqa: D102
        return (k, d, d)

    def factors(self, precisions_cholesky: Array, shape: tuple[int, int]) -> Array:  # noqa: D102
        return frozen(precisions_cholesky)

    def of_sums(self, scatter: Array) -> Array:  # noqa: D102
        return scatter

    def outer(self, mass: Array, shift: Array) -> Array:  # noqa: D102
        return np.asarray(mass[:, None, None] * _products(shift))

    def square(self, factors: Array) -> Array:  # noqa: D102
        return factors @ np.swapaxes(factors, -1, -2)

    def add_to_diagonal(self, covariances: Array, ridge: Array) -> Array:  # noqa: D102
        return covariances + ridge[..., None] * np.eye(ridge.shape[-1])

    def factorise(self, covariances: Array) -> tuple[Array, Flags]:  # noqa: D102
        return precision_factors(frozen(covariances))

    def axis(self, covariances: Array, k: int, n_features: int, rank: int = 0) -> Array:  # noqa: D102
        variances, directions = np.linalg.eigh(covariances[k])
        direction = directions[:, -1 - rank]
        return np.asarray(
            np.sqrt(max(variances[-1 - rank], 0.0)) * direction * np.sign(direction[np.abs(direction).argmax()])
        )

    def set_apart(self, covariances: Array, features: Flags, variances: Array) -> Array:  # noqa: D102
        between = features | features[:, None]
        return np.where(between, np.diag(np.where(features, variances, 0.0)), covariances)

    def log_determinants(self, precisions_cholesky: Array, n_features: int) -> Array:  # noqa: D102
        return np.asarray(np.log(np.diagonal(precisions_cholesky, axis1=1, axis2=2)).sum(axis=1))

    def whiten(self, deviations: Array, precisions_cholesky: Array) -> Array:  # noqa: D102
        return np.asarray(deviations @ precisions_cholesky)

    def variances(self, covariances: Array, shape: tuple[int, int]) -> Array:  # noqa: D102
        return np.broadcast_to(np.diagonal(covariances, axis1=-2, axis2=-1), shape)

    def project(self, covariances: Array, axes: Array, n_components: int) -> Array:  # noqa: D102
        projected = axes @ covariances @ axes.T
        return np.broadcast_to(projected, (n_components, *projected.shape[-2:]))

    def within(self, covariances: Array, weights: Array, n_features: int) -> Array:  # noqa: D102
        return np.asarray(np.tensordot(weights, covariances, 1) / weights.sum())


class Tied(Full):
    """All components share one full covariance."""

    name = "tied"
    blend = staticmethod(blend_tied)
    maximise = staticmethod(maximise_tied)

    def shape(self, k: int, d: int) -> tuple[int, ...]:  # noqa: D102
        return (d, d)

    def factors(self, precisions_cholesky: Array, shape: tuple[int, int]) -> Array:  # noqa: D102
        return frozen(np.broadcast_to(precisions_cholesky, (shape[0], *precisions_cholesky.shape)))

    def of_sums(self, scatter: Array) -> Array:  # noqa: D102
        return np.asarray(scatter.sum(axis=0))

    def outer(self, mass: Array, shift: Array) -> Array:  # noqa: D102
        return np.asarray(np.einsum("k,kij->ij", mass, _products(shift)))

    def form(self, scatter: Array, mass: Array) -> Array:  # noqa: D102
        return np.asarray(scatter / mass.sum())

    def unform(self, covariances: Array, mass: Array) -> Array:  # noqa: D102
        return np.asarray(covariances * mass.sum())

    def factorise(self, covariances: Array) -> tuple[Array, Flags]:  # noqa: D102
        factors, sound = super().factorise(covariances[None])
        return factors[0], np.asarray(sound[0])

    def lean_on_pool(self, scatter: Array, mass: Array, prior: Array | float) -> Array:  # noqa: D102
        return scatter

    def axis(self, covariances: Array, k: int, n_features: int, rank: int = 0) -> Array:  # noqa: D102
        return super().axis(covariances[None], 0, n_features, rank)

    def hand_down(self, covariances: Array, parent: int, child: int) -> Array:  # noqa: D102
        return covariances

    def hand_over(self, scatter: Array, gone: int, into: int) -> Array:  # noqa: D102
        return scatter

    def within(self, covariances: Array, weights: Array, n_features: int) -> Array:  # noqa: D102
        return covariances

    def log_determinants(self, precisions_cholesky: Array, n_features: int) -> Array:  # noqa: D102
        return super().log_determinants(precisions_cholesky[None], n_features)


def _products(shift: Array) -> Array:
    """x x^T of each row, symmetric in the last bit too: half of it need not be kept."""
    return np.asarray(shift[:, :, None] * shift[:, None, :])
