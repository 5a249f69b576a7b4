"""Vectors drawn from a mixture."""

import numpy as np

from streamgmm.mixture import unseen
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters, shape_of
from streamgmm.mixture.start import Labels


def sample(
    parameters: Parameters, count: int, covariance: Covariance, generator: np.random.Generator
) -> tuple[Array, Labels]:
    """`count` vectors (n, d), and the components that they came from (n,), ascending.

    A feature of which nothing is known yet is at its mean.
    """
    n_components, n_features = shape_of(parameters)
    shares = parameters.weights / parameters.weights.sum()
    components = np.repeat(np.arange(n_components), generator.multinomial(count, shares))
    away = generator.standard_normal((count, n_features))
    for k, root in enumerate(roots(parameters, covariance)):
        of_one = components == k
        away[of_one] = away[of_one] @ root.T
    away[:, unseen.flags(parameters, covariance)] = 0.0
    return parameters.means[components] + away, components


def roots(parameters: Parameters, covariance: Covariance) -> Array:
    """(k, d, d) square roots of the covariances: Sigma = L L^T, where L = P^-T, lower triangular."""
    factors = covariance.factors(parameters.precisions_cholesky, shape_of(parameters))
    if factors.ndim == 2:
        return np.asarray(np.eye(factors.shape[1]) / factors[:, :, None])
    return np.asarray(np.linalg.inv(factors).swapaxes(1, 2))
