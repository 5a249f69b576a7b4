"""The four shapes of covariance behind one interface. `by_name` is the only place where a name chooses.

| name | covariances | free parameters per component |
| --- | --- | --- |
| full | (k, d, d) | d (d + 1) / 2 |
| tied | (d, d), one for all components | |
| diag | (k, d) | d |
| spherical | (k,), the same variance in every direction | 1 |

Scatter and `precisions_cholesky` have the same shapes. A *piece* is what is factorised on its own: a component, or
for tied all of them; flags by piece have shape (k,) or ().
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from streamgmm.mixture import bounds
from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.blend import Blended, blend_diagonal, blend_full, blend_spherical, blend_tied
from streamgmm.mixture.factorise import precision_factors
from streamgmm.mixture.kernel import DIAGONAL, FULL, Kernel
from streamgmm.mixture.m_step import (
    LEAST_MASS,
    Maximum,
    Regularisation,
    maximise_diagonal,
    maximise_full,
    maximise_spherical,
    maximise_tied,
)

if TYPE_CHECKING:
    from streamgmm.mixture.parameters import Parameters
    from streamgmm.mixture.statistics import Statistics


class Covariance(Protocol):
    """What stepwise EM asks of a covariance type. k components, d features, n vectors."""

    @property
    def name(self) -> str:
        """As scikit-learn calls it."""

    @property
    def kernel(self) -> Kernel:
        """The compiled passes that it goes through."""

    def shape(self, k: int, d: int) -> tuple[int, ...]:
        """Of covariances, scatter and `precisions_cholesky`."""

    def blend(self, old: "Statistics", new: "Statistics", step_size: float) -> Blended:
        """(1 - step_size) old + step_size new."""

    def maximise(self, statistics: "Statistics", last: "Parameters", regularisation: Regularisation) -> Maximum:
        """The M-step."""

    def factors(self, precisions_cholesky: Array, shape: tuple[int, int]) -> Array:
        """The factors as the kernel takes them: (k, d, d) or (k, d), for `shape` (k, d)."""

    def of_sums(self, scatter: Array) -> Array:
        """Scatter by type from the kernel's (k, d, d) or (k, d)."""

    def outer(self, mass: Array, shift: Array) -> Array:
        """Scatter by type of a point mass (k,) at `shift` (k, d)."""

    def form(self, scatter: Array, mass: Array) -> Array:
        """Maximum-likelihood covariances; a component below `LEAST_MASS` gets 0."""

    def unform(self, covariances: Array, mass: Array) -> Array:
        """The scatter that `form` makes these covariances of."""

    def square(self, factors: Array) -> Array:
        """P P^T: precisions from `precisions_cholesky`, and covariances from the factors of precisions."""

    def add_to_diagonal(self, covariances: Array, ridge: Array) -> Array:
        """`ridge` (k, d), or (d,) where there is one piece."""

    def factorise(self, covariances: Array) -> tuple[Array, Flags]:
        """precisions_cholesky, and for each piece whether the covariance is positive definite."""

    def lean_on_pool(self, scatter: Array, mass: Array, prior: Array | float) -> Array:
        """Scatter as if each component had seen `prior` (k,) more mass, spread like the pool; its own mass stays."""

    def axis(self, covariances: Array, k: int, n_features: int, rank: int = 0) -> Array:
        """The direction (d,) in which component k is widest but for `rank` others, as long as a standard deviation."""

    def set_apart(self, covariances: Array, features: Flags, variances: Array) -> Array:
        """Covariances in which the features flagged (d,) have these variances (d,) in each component, and go with no
        other. Where a component has one variance for all features there is none to set.
        """

    def hand_down(self, covariances: Array, parent: int, child: int) -> Array:
        """Covariances where the child has its parent's."""

    def hand_over(self, scatter: Array, gone: int, into: int) -> Array:
        """Scatter where `into` has that of `gone` too, and `gone` none."""

    def log_determinants(self, precisions_cholesky: Array, n_features: int) -> Array:
        """log det P: (k,), or (1,) for tied."""

    def whiten(self, deviations: Array, precisions_cholesky: Array) -> Array:
        """P^T (x - mu): (k, n, d) to (k, n, d)."""

    def variances(self, covariances: Array, shape: tuple[int, int]) -> Array:
        """Of each feature in each component (k, d), for `shape` (k, d)."""

    def project(self, covariances: Array, axes: Array, n_components: int) -> Array:
        """Covariances (k, m, m) of the coordinates along `axes` (m, d)."""

    def within(self, covariances: Array, weights: Array, n_features: int) -> Array:
        """The components' mean covariance (d, d), by weights (k,)."""


class Full:
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

    def form(self, scatter: Array, mass: Array) -> Array:  # noqa: D102
        return scatter * _inverse(mass)[:, None, None]

    def unform(self, covariances: Array, mass: Array) -> Array:  # noqa: D102
        return covariances * mass[:, None, None]

    def square(self, factors: Array) -> Array:  # noqa: D102
        return factors @ np.swapaxes(factors, -1, -2)

    def add_to_diagonal(self, covariances: Array, ridge: Array) -> Array:  # noqa: D102
        return covariances + ridge[..., None] * np.eye(ridge.shape[-1])

    def factorise(self, covariances: Array) -> tuple[Array, Flags]:  # noqa: D102
        return precision_factors(frozen(covariances))

    def lean_on_pool(self, scatter: Array, mass: Array, prior: Array | float) -> Array:  # noqa: D102
        return _lean_on_pool(scatter, mass, prior)

    def axis(self, covariances: Array, k: int, n_features: int, rank: int = 0) -> Array:  # noqa: D102
        variances, directions = np.linalg.eigh(covariances[k])
        direction = directions[:, -1 - rank]
        return np.asarray(
            np.sqrt(max(variances[-1 - rank], 0.0)) * direction * np.sign(direction[np.abs(direction).argmax()])
        )

    def set_apart(self, covariances: Array, features: Flags, variances: Array) -> Array:  # noqa: D102
        between = features | features[:, None]
        return np.where(between, np.diag(np.where(features, variances, 0.0)), covariances)

    def hand_down(self, covariances: Array, parent: int, child: int) -> Array:  # noqa: D102
        return _hand_down(covariances, parent, child)

    def hand_over(self, scatter: Array, gone: int, into: int) -> Array:  # noqa: D102
        return _hand_over(scatter, gone, into)

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


class Diagonal:
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

    def form(self, scatter: Array, mass: Array) -> Array:  # noqa: D102
        return scatter * _inverse(mass)[:, None]

    def unform(self, covariances: Array, mass: Array) -> Array:  # noqa: D102
        return covariances * mass[:, None]

    def square(self, factors: Array) -> Array:  # noqa: D102
        return np.asarray(factors**2)

    def add_to_diagonal(self, covariances: Array, ridge: Array) -> Array:  # noqa: D102
        return covariances + ridge

    def factorise(self, covariances: Array) -> tuple[Array, Flags]:  # noqa: D102
        sound = (covariances > 0) & np.isfinite(covariances)
        return 1.0 / np.sqrt(np.where(sound, covariances, 1.0)), np.asarray(sound.all(axis=1))

    def lean_on_pool(self, scatter: Array, mass: Array, prior: Array | float) -> Array:  # noqa: D102
        return _lean_on_pool(scatter, mass, prior)

    def axis(self, covariances: Array, k: int, n_features: int, rank: int = 0) -> Array:  # noqa: D102
        feature = int(np.argsort(-covariances[k], kind="stable")[rank])
        return np.where(np.arange(n_features) == feature, np.sqrt(covariances[k, feature]), 0.0)

    def set_apart(self, covariances: Array, features: Flags, variances: Array) -> Array:  # noqa: D102
        return np.where(features, variances, covariances)

    def hand_down(self, covariances: Array, parent: int, child: int) -> Array:  # noqa: D102
        return _hand_down(covariances, parent, child)

    def hand_over(self, scatter: Array, gone: int, into: int) -> Array:  # noqa: D102
        return _hand_over(scatter, gone, into)

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

    def form(self, scatter: Array, mass: Array) -> Array:  # noqa: D102
        return np.asarray(scatter * _inverse(mass))

    def unform(self, covariances: Array, mass: Array) -> Array:  # noqa: D102
        return covariances * mass

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


_BY_NAME: Mapping[str, Covariance] = {c.name: c for c in (Full(), Tied(), Diagonal(), Spherical())}


def by_name(name: str) -> Covariance:
    """The covariance type of that name: full, tied, diag or spherical. Raises ValueError for any other."""
    return bounds.option("covariance_type", name, _BY_NAME)


def _products(shift: Array) -> Array:
    """x x^T of each row, symmetric in the last bit too: half of it need not be kept."""
    return np.asarray(shift[:, :, None] * shift[:, None, :])


def _inverse(mass: Array) -> Array:
    return np.divide(1.0, mass, out=np.zeros_like(mass), where=mass > LEAST_MASS)


def _lean_on_pool(scatter: Array, mass: Array, prior: Array | float) -> Array:
    by_component = (len(mass), *(1,) * (scatter.ndim - 1))
    borrowed = np.broadcast_to(prior, mass.shape)
    trust = (mass / (mass + borrowed)).reshape(by_component)
    return np.asarray(trust * (scatter + borrowed.reshape(by_component) * scatter.sum(axis=0) / mass.sum()))


def _hand_down(covariances: Array, parent: int, child: int) -> Array:
    handed = covariances.copy()
    handed[child] = covariances[parent]
    return handed


def _hand_over(scatter: Array, gone: int, into: int) -> Array:
    handed = scatter.copy()
    handed[into] += scatter[gone]
    handed[gone] = 0.0
    return handed
