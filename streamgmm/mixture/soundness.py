"""A state that comes from elsewhere: whether stepwise EM can go on from it.

Every check raises ValueError that names the field, what is wrong with it and the bound.
"""

import math

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import BLOCK
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.given import given
from streamgmm.mixture.lookout import Lookout
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.parameters import Parameters, shape_of
from streamgmm.mixture.state import State
from streamgmm.mixture.statistics import Statistics
from streamgmm.mixture.valley import BINS


def check_parameters(parameters: Parameters, covariance: Covariance) -> None:
    """Weights, means and covariances; factors may still be missing."""
    if parameters.means.ndim != 2 or 0 in parameters.means.shape:
        raise ValueError(f"means has shape {parameters.means.shape}; it must be (k, d)")
    weights, means, covariances, _ = parameters
    try:
        given(covariance, shape_of(parameters), weights_init=weights, means_init=means, covariances_init=covariances)
    except ValueError as error:
        raise ValueError(str(error).replace("_init", "")) from error


def check_statistics(state: State, covariance: Covariance) -> None:
    """What belongs to parameters that are right: factors, statistics, what waits to be learnt, averages, counts."""
    shape = shape_of(state.parameters)
    by_type, of_kernel = covariance.shape(*shape), covariance.kernel.shape(*shape)
    pending, average = state.pending, state.average
    _check("precisions_cholesky", state.parameters.precisions_cholesky, by_type)
    _check_moments("statistics", state.statistics, shape, by_type)
    _check_moments("pending.sums", pending.sums, shape, of_kernel)
    _check_moments("pending.gaps", pending.gaps, shape, of_kernel)
    _check("pending.weights", pending.weights, (min(len(pending.weights), BLOCK - 1),))
    _check("pending.rows", pending.rows, (len(pending.weights), shape[1]))
    if pending.gap_rows is not None:
        vectors, weights = pending.gap_rows
        _check("pending.gap_rows.weights", weights, (min(len(weights), BLOCK - 1),))
        _check("pending.gap_rows.vectors", np.where(np.isnan(vectors), 0.0, vectors), (len(weights), shape[1]))
    if average is not None:
        _check_moments("average.recent", average.recent, shape, by_type)
        _check_moments("average.earlier", average.earlier, shape, by_type)
    if state.lookout is not None:
        _check_lookout(state.lookout, shape)
    for name in ("time", "steps", "repairs", "effective_sample_size", "revived", "background"):
        _check_amount(name, getattr(state, name))
    for name in ("squares", "background"):
        _check_amount(f"pending.{name}", getattr(pending, name))
    if average is not None:
        for name in ("recent_time", "length", "earlier_time"):
            _check_amount(f"average.{name}", getattr(average, name))
        if not average.length > 0 or (
            average.earlier is not None and not average.earlier_time + average.recent_time > 0
        ):
            raise ValueError(
                f"average.length is {average.length}, of {average.recent_time}: an average must cover something"
            )


def _check_lookout(lookout: Lookout, shape: tuple[int, int]) -> None:
    for name in ("close", "partner", "rest", "valleys"):
        _check(f"lookout.{name}", getattr(lookout, name), shape[:1])
    if lookout.profile is None:
        return
    wanted = {"origin": shape, "direction": shape, "counts": (shape[0], BINS), "squares": shape[:1], "turn": shape[:1]}
    for name, size in wanted.items():
        _check(f"lookout.profile.{name}", getattr(lookout.profile, name), size)


def _check_moments(
    name: str, moments: Statistics | Sums | None, shape: tuple[int, int], scatter: tuple[int, ...]
) -> None:
    if moments is None:
        return
    _check(f"{name}.mass", moments.mass, shape[:1])
    _check(f"{name}.mean", moments.mean, shape)
    _check(f"{name}.scatter", moments.scatter, scatter)
    if (moments.mass < 0).any():
        raise ValueError(f"{name}.mass has {moments.mass.min()}; it must be at least 0")
    if isinstance(moments, Sums):
        _check_amount(f"{name}.weight", moments.weight)


def _check_amount(name: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is {value}; it must be finite and at least 0")


def _check(name: str, value: Array, shape: tuple[int, ...]) -> None:
    if value.dtype != np.float64 or value.shape != shape:
        raise ValueError(f"{name} is {value.dtype} of shape {value.shape}; it must be float64 of shape {shape}")
    if not np.isfinite(value).all():
        raise ValueError(f"{name} has NaN or infinity; it must be finite")
