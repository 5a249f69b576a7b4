"""What the types of covariance do alike in which each component has one of its own."""

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.m_step import LEAST_MASS


class ByComponent:
    """Covariances and scatter with the components along their first axis; `Covariance` says what each method is."""

    def form(self, scatter: Array, mass: Array) -> Array:  # noqa: D102
        inverse = np.divide(1.0, mass, out=np.zeros_like(mass), where=mass > LEAST_MASS)
        return np.asarray(scatter * _along(inverse, scatter))

    def unform(self, covariances: Array, mass: Array) -> Array:  # noqa: D102
        return np.asarray(covariances * _along(mass, covariances))

    def lean_on_pool(self, scatter: Array, mass: Array, prior: Array | float) -> Array:  # noqa: D102
        borrowed = np.broadcast_to(prior, mass.shape)
        trust, lent = _along(mass / (mass + borrowed), scatter), _along(borrowed, scatter)
        return np.asarray(trust * (scatter + lent * scatter.sum(axis=0) / mass.sum()))

    def hand_down(self, covariances: Array, parent: int, child: int) -> Array:  # noqa: D102
        handed = covariances.copy()
        handed[child] = covariances[parent]
        return handed

    def hand_over(self, scatter: Array, gone: int, into: int) -> Array:  # noqa: D102
        handed = scatter.copy()
        handed[into] += scatter[gone]
        handed[gone] = 0.0
        return handed


def _along(of_each: Array, array: Array) -> Array:
    """A number for each component (k,), to go with an array (k, ...)."""
    return of_each.reshape(len(of_each), *(1,) * (array.ndim - 1))
