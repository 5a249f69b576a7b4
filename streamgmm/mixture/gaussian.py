"""The E-step as it reads in a book: the reference that the compiled one is held against, and what prepares it.

log p(x, k) = log pi_k + log det P_k - d/2 log 2 pi - |P_k^T (x - mu_k)|^2 / 2,    Sigma_k^-1 = P_k P_k^T
log p(x)    = log sum_k p(x, k),          r_k = p(k | x) = exp(log p(x, k) - log p(x))
"""

import math

import numpy as np
from scipy.special import logsumexp

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import Model
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters, shape_of


def log_densities(parameters: Parameters, vectors: Array, covariance: Covariance) -> Array:
    """log N(x; mu_k, Sigma_k) of vectors (n, d), in nats: (n, k)."""
    deviations = vectors[None] - parameters.means[:, None]  # (k, n, d)
    whitened = covariance.whiten(deviations, parameters.precisions_cholesky)
    return np.asarray(_log_constants(parameters, covariance) - 0.5 * np.square(whitened).sum(axis=2).T)


def log_joint(parameters: Parameters, vectors: Array, covariance: Covariance) -> Array:
    """log p(x, k): (n, k)."""
    return np.log(parameters.weights) + log_densities(parameters, vectors, covariance)


def responsibilities(parameters: Parameters, vectors: Array, covariance: Covariance) -> Array:
    """p(k | x): (n, k)."""
    joint = log_joint(parameters, vectors, covariance)
    return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))


def log_evidence(parameters: Parameters, vectors: Array, covariance: Covariance) -> Array:
    """log p(x): (n,)."""
    return np.asarray(logsumexp(log_joint(parameters, vectors, covariance), axis=1))


def model(parameters: Parameters, covariance: Covariance) -> Model:
    """The parameters as the kernel takes them. Raises ValueError where they are of another covariance type."""
    shape, factors = shape_of(parameters), parameters.precisions_cholesky
    if factors.shape != covariance.shape(*shape):
        raise ValueError(
            f"covariance_type is {covariance.name!r}, but the model's precisions_cholesky have shape {factors.shape}; "
            f"of that type they have {covariance.shape(*shape)}"
        )
    return Model(
        frozen(np.log(parameters.weights) + _log_constants(parameters, covariance)),
        frozen(parameters.means),
        covariance.factors(factors, shape),
    )


def _log_constants(parameters: Parameters, covariance: Covariance) -> Array:
    """log N at its peak: (k,), or (1,) for tied."""
    _, n_features = shape_of(parameters)
    log_determinants = covariance.log_determinants(parameters.precisions_cholesky, n_features)
    return log_determinants - 0.5 * n_features * math.log(2 * math.pi)
