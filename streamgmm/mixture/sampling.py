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
    normal = generator.standard_normal((count, n_features))
    away = np.einsum("nij,nj->ni", roots(parameters, covariance)[components], normal)
    away[:, unseen.flags(parameters, covariance)] = 0.0
    return parameters.means[components] + away, components


def roots(parameters: Parameters, covariance: Covariance) -> Array:
    """(k, d, d) square roots of the covariances: Sigma = Q Q^T, where Q is the factor of the precision."""
    n_components, n_features = shape_of(parameters)
    factors, _ = covariance.factorise(covariance.square(parameters.precisions_cholesky))
    unit = np.broadcast_to(np.eye(n_features), (n_components, n_features, n_features))
    return covariance.whiten(unit, factors)
