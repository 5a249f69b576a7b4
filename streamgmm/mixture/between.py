"""How far two Gaussians lie apart, whatever the features' units.

Of two Gaussians there is a coordinate system in which the first is standard normal and the second has independent
coordinates: with Sigma = L L^T take the singular values s of L_0^-1 L_1 = U diag(s) V^T, and c = U^T L_0^-1 (mu_1 -
mu_0). Then the second has the standard deviations s and the mean c, and every distance that does not depend on the
units is a sum over d coordinates. No covariance is inverted, and none that is formed here can be singular.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters, shape_of

Places = NDArray[np.intp]


class Between(NamedTuple):
    """The second Gaussian of each of m pairs, where the first is standard normal."""

    scales: Array  # (m, d) standard deviations, above 0
    shifts: Array  # (m, d) means


def between(one: Parameters, other: Parameters, pairs: tuple[Places, Places], covariance: Covariance) -> Between:
    """Pairs of a component of `one` and a component of `other`, by their places (m,) and (m,)."""
    of_one, of_other = (
        covariance.factors(mixture.precisions_cholesky, shape_of(mixture))[places]
        for mixture, places in zip((one, other), pairs, strict=True)
    )
    away = other.means[pairs[1]] - one.means[pairs[0]]
    if of_one.ndim == 2:  # coordinates are independent as they are
        return Between(of_one / of_other, of_one * away)
    transposed = of_one.swapaxes(-1, -2)
    axes, scales, _ = np.linalg.svd(transposed @ np.linalg.inv(of_other).swapaxes(-1, -2))
    return Between(scales, np.einsum("mij,mi->mj", axes, np.einsum("mij,mj->mi", transposed, away)))


def mahalanobis(pairs: Between) -> Array:
    """How far the second mean lies from the first, in the first's standard deviations: |c|, (m,), 0 or above.

    Source: Mahalanobis 1936.
    """
    return np.asarray(np.sqrt(np.square(pairs.shifts).sum(axis=1)))


def symmetric_divergence(pairs: Between) -> Array:
    """KL(0 || 1) + KL(1 || 0) in nats (m,), 0 or above: sum over (s^2 + s^-2 - 2 + c^2 + c^2 / s^2) / 2.

    Source: Kullback and Leibler 1951 (of which the symmetric form is Jeffreys' divergence, 1946).
    """
    away, scales = np.square(pairs.shifts), np.square(pairs.scales)
    return np.asarray(((scales - 1) ** 2 / scales + away * (1 + 1 / scales)).sum(axis=1) / 2)


def bhattacharyya(pairs: Between) -> Array:
    """-log of the overlap, the integral of sqrt(p_0 p_1); nats (m,), 0 or above.

    Sum over c^2 / (4 (1 + s^2)) + log((1 + s^2) / (2 s)) / 2. Source: Bhattacharyya 1943.
    """
    away, scales = np.square(pairs.shifts), np.square(pairs.scales)
    return np.asarray((away / (4 * (1 + scales)) + np.log1p((pairs.scales - 1) ** 2 / (2 * pairs.scales)) / 2).sum(1))
