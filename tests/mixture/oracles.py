"""What the mixture must equal, written as a book has it: densities by scipy, EM steps by loops and by scikit-learn."""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.parameters import Parameters
from tests.mixture.samples import as_full


def log_joint(name: str, parameters: Parameters, vectors: Array) -> Array:
    """log p(k, x_o) of vectors (n, d), NaN where a feature is missing: (n, k); marginals by slices of covariances."""
    return np.array([_log_joint(name, parameters, vector) for vector in vectors])


def _log_joint(name: str, parameters: Parameters, vector: Array) -> Array:
    k, d = parameters.means.shape
    known, spread = np.flatnonzero(~np.isnan(vector)), as_full(name, parameters.covariances, k, d)
    if not len(known):
        return np.log(parameters.weights)
    return np.log(parameters.weights) + [
        multivariate_normal(parameters.means[i][known], spread[i][np.ix_(known, known)]).logpdf(vector[known])
        for i in range(k)
    ]


def filled(name: str, parameters: Parameters, vector: Array, i: int) -> tuple[Array, Array]:
    """Conditional mean (d,) and covariance (d, d) of the whole vector under component i."""
    spread = as_full(name, parameters.covariances, *parameters.means.shape)[i]
    gaps = np.isnan(vector)
    known, mean, uncertain = ~gaps, np.array(vector), np.zeros(spread.shape)
    regression = spread[np.ix_(gaps, known)] @ np.linalg.inv(spread[np.ix_(known, known)])
    mean[gaps] = parameters.means[i][gaps] + regression @ (vector - parameters.means[i])[known]
    uncertain[np.ix_(gaps, gaps)] = spread[np.ix_(gaps, gaps)] - regression @ spread[np.ix_(known, gaps)]
    return mean, uncertain


def em_step(name: str, parameters: Parameters, vectors: Array, weights: Array) -> tuple[Array, Array, Array]:
    """(weights, means, covariances by type) of one exact EM step."""
    k, d = parameters.means.shape
    mass, first, second = np.zeros(k), np.zeros((k, d)), np.zeros((k, d, d))
    for vector, weight, joint in zip(vectors, weights, log_joint(name, parameters, vectors), strict=True):
        for i, share in enumerate(weight * np.exp(joint - logsumexp(joint))):
            mean, uncertain = filled(name, parameters, vector, i)
            mass[i] += share
            first[i] += share * mean
            second[i] += share * (np.outer(mean, mean) + uncertain)
    means, shares = first / mass[:, None], mass / mass.sum()
    return shares, means, _shaped(name, shares, second / mass[:, None, None] - means[:, :, None] * means[:, None])


def scikit_learn_step(name: str, parameters: Parameters, vectors: Array) -> Parameters:
    """One EM step of scikit-learn."""
    model = GaussianMixture(len(parameters.weights), covariance_type=name, reg_covar=0)
    model.weights_, model.means_, model.covariances_, model.precisions_cholesky_ = parameters
    _, log_responsibilities = model._e_step(vectors)
    model._m_step(vectors, log_responsibilities)
    return Parameters(model.weights_, model.means_, model.covariances_, model.precisions_cholesky_)


def _shaped(name: str, weights: Array, spread: Array) -> Array:
    """Full covariances as the type has them."""
    variances = np.diagonal(spread, axis1=1, axis2=2)
    return {
        "full": spread,
        "tied": np.einsum("k,kij->ij", weights, spread),
        "diag": variances,
        "spherical": variances.mean(axis=1),
    }[name]
