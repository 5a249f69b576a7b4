"""The E-step as it reads in a book: the reference that the compiled one is held against, and what prepares it.

log p(x, k) = log pi_k + log det P_k - d/2 log 2 pi - |P_k^T (x - mu_k)|^2 / 2,    Sigma_k^-1 = P_k P_k^T
log p(x)    = log sum_k p(x, k),          r_k = p(k | x) = exp(log p(x, k) - log p(x))

Bishop 2006, Pattern Recognition and Machine Learning, equations 9.12 to 9.14.
"""

import math

import numpy as np

from streamgmm.mixture.arrays import Array, frozen, sealed
from streamgmm.mixture.block import Model
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.m_step import LEAST_MASS
from streamgmm.mixture.parameters import Parameters, shape_of

_HALF_LOG_2_PI = 0.5 * math.log(2 * math.pi)
_NOWHERE = -1e300  # log density of a vacant place: below that of any component, however far away


def log_sum_exp(values: Array) -> Array:
    """log sum_k exp(values) of (n, k), about each row's largest: (n,); minus infinity where all of them are."""
    largest = values.max(axis=1)
    about = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(values - about[:, None]).sum(axis=1)) + about)


def log_densities(parameters: Parameters, vectors: Array, covariance: Covariance) -> Array:
    """log N(x; mu_k, Sigma_k) of vectors (n, d), in nats: (n, k)."""
    deviations = vectors[None] - parameters.means[:, None]  # (k, n, d)
    whitened = covariance.whiten(deviations, parameters.precisions_cholesky)
    return np.asarray(_log_constants(parameters, covariance) - 0.5 * np.square(whitened).sum(axis=2).T)


def log_joint(parameters: Parameters, vectors: Array, covariance: Covariance) -> Array:
    """log p(x, k): (n, k)."""
    return with_weights(log_densities(parameters, vectors, covariance), parameters.weights)


def with_weights(log_densities: Array, weights: Array) -> Array:
    """log p(x, k) from log p(x | k), both (n, k); a vacant place has no density."""
    return np.where(weights < LEAST_MASS, _NOWHERE, np.log(weights) + log_densities)


def responsibilities(parameters: Parameters, vectors: Array, covariance: Covariance) -> Array:
    """p(k | x): (n, k)."""
    joint = log_joint(parameters, vectors, covariance)
    return np.exp(joint - log_sum_exp(joint)[:, None])


def log_evidence(parameters: Parameters, vectors: Array, covariance: Covariance) -> Array:
    """log p(x): (n,)."""
    return log_sum_exp(log_joint(parameters, vectors, covariance))


def model(parameters: Parameters, covariance: Covariance) -> Model:
    """The parameters as the kernel takes them. Raises ValueError where they are of another covariance type."""
    shape, cholesky = shape_of(parameters), parameters.precisions_cholesky
    if cholesky.shape != covariance.shape(*shape):
        raise ValueError(
            f"covariance_type is {covariance.name!r}, but the model's precisions_cholesky have shape {cholesky.shape}; "
            f"of that type they have {covariance.shape(*shape)}"
        )
    factors = covariance.factors(cholesky, shape)
    return Model(sealed(constants(frozen(parameters.weights), factors)), frozen(parameters.means), factors)


@compiled
def constants(weights: Array, factors: Array) -> Array:
    """Log weights and log N at its peak: (k,); a vacant place has no density."""
    constants = np.log(weights)
    for k in range(len(weights)):
        for i in range(factors.shape[1]):
            factor = factors[k, i, i] if factors.ndim == 3 else factors[k, i]
            constants[k] += math.log(factor) - _HALF_LOG_2_PI
        if weights[k] < LEAST_MASS:
            constants[k] = _NOWHERE
    return constants


def _log_constants(parameters: Parameters, covariance: Covariance) -> Array:
    """log N at its peak: (k,), or (1,) for tied."""
    _, n_features = shape_of(parameters)
    log_determinants = covariance.log_determinants(parameters.precisions_cholesky, n_features)
    return log_determinants - n_features * _HALF_LOG_2_PI
