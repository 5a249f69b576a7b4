"""How far components of two mixtures lie apart: the Wasserstein-2 distance of Gaussians.

W^2 = |mu - mu'|^2 + tr(S + S' - 2 (S^1/2 S' S^1/2)^1/2). The last trace is the sum of the singular values of
S^1/2 S'^1/2. Source: Dowson and Landau 1982.
"""

import numpy as np

from streamgmm.mixture import unseen
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.between import Places
from streamgmm.mixture.conditional import full_covariances
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters


def distances(one: Parameters, other: Parameters, covariance: Covariance) -> Array:
    """Of each component of `one` from each of `other`, in the (transformed) features' unit: (k, l), 0 or above."""
    one, other = unseen.without(one, other, covariance)
    every = np.arange(len(other.means))
    return np.stack([matched(one, other, (np.full_like(every, k), every), covariance) for k in range(len(one.means))])


def matched(one: Parameters, other: Parameters, pairs: tuple[Places, Places], covariance: Covariance) -> Array:
    """Of pairs of a component of `one` and one of `other`, by their places (m,) and (m,): (m,), 0 or above."""
    spread, others = (full_covariances(mixture, covariance)[p] for mixture, p in zip((one, other), pairs, strict=True))
    cross = np.linalg.svd(_root(spread) @ _root(others), compute_uv=False).sum(axis=-1)
    squared = np.square(one.means[pairs[0]] - other.means[pairs[1]]).sum(axis=1)
    squared += np.trace(spread, axis1=1, axis2=2) + np.trace(others, axis1=1, axis2=2) - 2 * cross
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def _root(matrices: Array) -> Array:
    """The symmetric square root of positive semi-definite matrices (m, d, d)."""
    values, axes = np.linalg.eigh((matrices + matrices.swapaxes(-1, -2)) / 2)
    return np.asarray((axes * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ axes.swapaxes(-1, -2))
