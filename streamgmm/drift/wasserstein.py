"""How far components of two mixtures lie apart: the Wasserstein-2 distance of Gaussians."""

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.conditional import full_covariances
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters


def distances(one: Parameters, other: Parameters, covariance: Covariance) -> Array:
    """Of every component of `one` from every one of `other`, in the features' (transformed) unit: (k, l), 0 or above.

    W^2 = |mu - mu'|^2 + tr(S + S' - 2 (S^1/2 S' S^1/2)^1/2). Source: Dowson and Landau 1982.
    """
    spreads, others = full_covariances(one, covariance), full_covariances(other, covariance)
    squared = np.square(one.means[:, None] - other.means[None]).sum(axis=2)
    for k, root in enumerate(map(_root, spreads)):
        for m, spread in enumerate(others):
            cross = _root(root @ spread @ root)
            squared[k, m] += np.trace(spreads[k]) + np.trace(spread) - 2 * np.trace(cross)
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def _root(matrix: Array) -> Array:
    """The symmetric square root of a positive semi-definite matrix."""
    values, axes = np.linalg.eigh((matrix + matrix.T) / 2)
    return np.asarray((axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T)
