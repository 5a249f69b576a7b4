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

from streamgmm.mixture import bounds
from streamgmm.mixture.arrays import Array, Flags
from streamgmm.mixture.blend import Blended
from streamgmm.mixture.covariance_diagonal import Diagonal, Spherical
from streamgmm.mixture.covariance_full import Full, Tied
from streamgmm.mixture.kernel import Kernel
from streamgmm.mixture.m_step import Maximum, Regularisation

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


_BY_NAME: Mapping[str, Covariance] = {c.name: c for c in (Full(), Tied(), Diagonal(), Spherical())}


def by_name(name: str) -> Covariance:
    """The covariance type of that name: full, tied, diag or spherical. Raises ValueError for any other."""
    return bounds.option("covariance_type", name, _BY_NAME)
