"""Parameters that the caller gives, whole or in part, for a mixture to start from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture import bounds
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.statistics import Statistics

_TOLERANCE = 1e-6


class Given(NamedTuple):
    """What is given; None is to be found from data."""

    weights: Array | None = None  # (k,)
    means: Array | None = None  # (k, d)
    covariances: Array | None = None  # by covariance type

    @property
    def complete(self) -> bool:
        """Whether nothing is left to find."""
        return self.weights is not None and self.means is not None and self.covariances is not None


NOTHING = Given()


def given(
    covariance: Covariance,
    shape: tuple[int, int],
    *,
    weights_init: ArrayLike | None = None,
    means_init: ArrayLike | None = None,
    covariances_init: ArrayLike | None = None,
    precisions_init: ArrayLike | None = None,
) -> Given:
    """What is given for a mixture of `shape` (k, d), checked. Of covariances and precisions one may be given.

    Raises ValueError that names the argument, what is wrong with it and the bound.
    """
    if covariances_init is not None and precisions_init is not None:
        raise ValueError("covariances_init and precisions_init are both given; give one of the two")
    spread = None if covariances_init is None else _spread("covariances_init", covariances_init, covariance, shape)
    if precisions_init is not None:
        precisions = _spread("precisions_init", precisions_init, covariance, shape)
        spread = frozen(covariance.square(covariance.factorise(precisions)[0]))
    return Given(
        None if weights_init is None else _weights(weights_init, shape[0]),
        None if means_init is None else _array("means_init", means_init, shape),
        spread,
    )


def put_in(statistics: Statistics, given: Given, covariance: Covariance) -> Statistics:
    """The statistics with what is given in the place of what was found; the rest stays as it is."""
    mass = statistics.mass if given.weights is None else given.weights
    found = covariance.form(statistics.scatter, statistics.mass)
    spread = found if given.covariances is None else given.covariances
    mean = statistics.mean if given.means is None else given.means
    return Statistics(frozen(mass), frozen(mean), frozen(covariance.unform(spread, mass)))


def parameters_of(given: Given, covariance: Covariance) -> tuple[Statistics, Parameters]:
    """A complete model as it was given, without regularisation, and statistics that say the same.

    Raises ValueError where the model is not complete.
    """
    if given.weights is None or given.means is None or given.covariances is None:
        raise ValueError("weights_init, means_init and covariances_init or precisions_init must all be given")
    factors, _ = covariance.factorise(given.covariances)
    parameters = Parameters(given.weights, given.means, given.covariances, frozen(factors))
    scatter = frozen(covariance.unform(given.covariances, given.weights))
    return Statistics(given.weights, given.means, scatter), parameters


def _weights(value: ArrayLike, n_components: int) -> Array:
    weights = _array("weights_init", value, (n_components,))
    if not (weights > 0).all():
        raise ValueError(f"weights_init has {weights.min()}; every weight must be above 0")
    if abs(weights.sum() - 1) > _TOLERANCE:
        raise ValueError(f"weights_init sums to {weights.sum()}; it must sum to 1")
    return frozen(weights / weights.sum())


def _spread(name: str, value: ArrayLike, covariance: Covariance, shape: tuple[int, int]) -> Array:
    """Covariances or precisions by type, positive definite."""
    spread = _array(name, value, covariance.shape(*shape))
    matrices = covariance.factors(spread, shape)
    if matrices.ndim == 3:
        _check_symmetric(name, matrices)
    sound = np.atleast_1d(covariance.factorise(spread)[1])
    if not sound.all():
        k = int(np.argmin(sound))
        smallest = np.linalg.eigvalsh(matrices[k])[0] if matrices.ndim == 3 else matrices[k].min()
        raise ValueError(
            f"{name}[{k}] is not positive definite; all of its eigenvalues must be > 0, the smallest is {smallest:g}"
        )
    return spread


def _check_symmetric(name: str, matrices: Array) -> None:
    """Raise ValueError where two elements (k, i, j) that should be one differ, beside the features' own scales."""
    scale = np.sqrt(np.abs(np.diagonal(matrices, axis1=1, axis2=2)))
    apart = np.abs(matrices - matrices.swapaxes(1, 2)) > _TOLERANCE * scale[:, :, None] * scale[:, None, :]
    if apart.any():
        k, i, j = (int(index) for index in np.argwhere(apart)[0])
        raise ValueError(
            f"{name} is not symmetric: [{k}, {i}, {j}] is {matrices[k, i, j]:g}, [{k}, {j}, {i}] is "
            f"{matrices[k, j, i]:g}; they must be the same"
        )


def _array(name: str, value: ArrayLike, shape: tuple[int, ...]) -> Array:
    array = bounds.numbers(name, value)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}; it must be {shape}")
    good = np.isfinite(array)
    if not good.all():
        where = np.argwhere(~good)[0]
        raise ValueError(f"{name} has NaN or infinity, {array[tuple(where)]} at {where.tolist()}; it must be finite")
    return frozen(array.copy())
