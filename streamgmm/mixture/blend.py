"""Two sets of statistics blended about the blended means, compiled: a function for each type of covariance.

    W = (1 - eta) w + eta v,    m' = m + (eta v / W) (n - m),
    S' = (1 - eta) S + eta T + ((1 - eta) w eta v / W) (n - m)(n - m)^T

The general formula of Chan, Golub and LeVeque (1979) for two samples' sums of squares, with shares for their sizes.
Exact, and positive definite by construction; a scatter is symmetric in every bit, so that a checkpoint needs half of
it. `Covariance.blend` says which.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.compiled import compiled, part

if TYPE_CHECKING:
    from streamgmm.mixture.statistics import Statistics


class Blended(NamedTuple):
    """As `Statistics`."""

    mass: Array  # (k,)
    mean: Array  # (k, d)
    scatter: Array  # by type


class Shift(NamedTuple):
    """From the old means to the new ones."""

    by: Array  # (k, d)
    counts: Array  # (k,) what a product of two of its features counts in the scatter


@compiled
def blend_full(old: "Statistics", new: "Statistics", step_size: float) -> Blended:
    """A scatter (k, d, d)."""
    mass, mean, shift = _mass_and_mean(old.mass, old.mean, new.mass, new.mean, step_size)
    scatter = np.empty(old.scatter.shape)
    for k in range(len(mass)):
        for i in range(mean.shape[1]):
            scaled = shift.counts[k] * shift.by[k, i]
            for j in range(i + 1):
                own = (1 - step_size) * old.scatter[k, i, j] + step_size * new.scatter[k, i, j]
                scatter[k, i, j] = scatter[k, j, i] = own + scaled * shift.by[k, j]
    return Blended(mass, mean, scatter)


@compiled
def blend_tied(old: "Statistics", new: "Statistics", step_size: float) -> Blended:
    """One scatter (d, d), summed over the components."""
    mass, mean, shift = _mass_and_mean(old.mass, old.mean, new.mass, new.mean, step_size)
    scatter = np.empty(old.scatter.shape)
    for i in range(mean.shape[1]):
        for j in range(i + 1):
            between = 0.0
            for k in range(len(mass)):
                between += shift.counts[k] * shift.by[k, i] * shift.by[k, j]
            own = (1 - step_size) * old.scatter[i, j] + step_size * new.scatter[i, j]
            scatter[i, j] = scatter[j, i] = own + between
    return Blended(mass, mean, scatter)


@compiled
def blend_diagonal(old: "Statistics", new: "Statistics", step_size: float) -> Blended:
    """A scatter (k, d)."""
    mass, mean, shift = _mass_and_mean(old.mass, old.mean, new.mass, new.mean, step_size)
    scatter = np.empty(old.scatter.shape)
    for k in range(len(mass)):
        for i in range(mean.shape[1]):
            between = shift.counts[k] * shift.by[k, i] * shift.by[k, i]
            scatter[k, i] = (1 - step_size) * old.scatter[k, i] + step_size * new.scatter[k, i] + between
    return Blended(mass, mean, scatter)


@compiled
def blend_spherical(old: "Statistics", new: "Statistics", step_size: float) -> Blended:
    """A scatter (k,), the mean over the features."""
    mass, mean, shift = _mass_and_mean(old.mass, old.mean, new.mass, new.mean, step_size)
    scatter = np.empty(old.scatter.shape)
    for k in range(len(mass)):
        squares = 0.0
        for i in range(mean.shape[1]):
            squares += shift.by[k, i] * shift.by[k, i]
        between = shift.counts[k] * squares / mean.shape[1]
        scatter[k] = (1 - step_size) * old.scatter[k] + step_size * new.scatter[k] + between
    return Blended(mass, mean, scatter)


@part
def _mass_and_mean(
    old_mass: Array, old_mean: Array, new_mass: Array, new_mean: Array, step_size: float
) -> tuple[Array, Array, Shift]:
    """A component that neither side has seen keeps its old mean."""
    mass, mean = np.empty(old_mass.shape), np.empty(old_mean.shape)
    shift = Shift(np.empty(old_mean.shape), np.empty(old_mass.shape))
    for k in range(len(mass)):
        kept, gained = (1 - step_size) * old_mass[k], step_size * new_mass[k]
        mass[k] = kept + gained
        share = gained / mass[k] if mass[k] > 0.0 else 0.0
        shift.counts[k] = kept * share
        for i in range(old_mean.shape[1]):
            shift.by[k, i] = new_mean[k, i] - old_mean[k, i]
            mean[k, i] = old_mean[k, i] + share * shift.by[k, i]
    return mass, mean, shift
