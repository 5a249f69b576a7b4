"""Vectors with missing features under diagonal covariances: as `missing_full`, but features say nothing of each other.

A missing feature leaves the density; its conditional mean and variance are the component's own.
"""

import math
from typing import NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.block import LARGEST, Model, Rows
from streamgmm.mixture.compiled import compiled, inlined, part
from streamgmm.mixture.density import FARTHEST
from streamgmm.mixture.missing_full import Row, Wave, bounded, empty_row, normalised, share_out
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.patterns import LOG_2_PI


class Mixture(NamedTuple):
    """The model with the component innermost."""

    log_weights: Array  # (k,)
    means: Array  # (d, k)
    factors: Array  # (d, k)
    log_factors: Array  # (d, k), the feature's log density at its peak


@compiled
def score_diagonal(model: Model, wave: Wave, first: int, last: int) -> None:
    """Score the rows from `first` to `last`."""
    mixture, row = _inside_out(model), empty_row(model)
    for n in range(first, last):
        wave.output.log_likelihood[n] = _score(mixture, wave.rows.vectors[n], row)
        wave.output.responsibilities[n] = row.joint
        wave.deviations[n] = row.deviations


@compiled
def add_diagonal(model: Model, sums: Sums, wave: Wave, first: int, last: int) -> None:
    """Add the rows, which are scored, to the sums of the components from `first` to `last`, in place."""
    own = Model(model.constants[first:last], model.means[first:last], model.factors[first:last])
    mixture, row = _inside_out(own), empty_row(own)
    mean, scatter = sums.mean[first:last].T.copy(), sums.scatter[first:last].T.copy()
    mass = sums.mass[first:last]
    for n in range(len(wave.deviations)):
        if wave.rows.weights[n] > 0.0:
            row.joint[:] = wave.output.responsibilities[n, first:last]
            row.deviations[:] = wave.deviations[n, :, first:last]
            share_out(row, mass, min(wave.rows.weights[n], LARGEST))
            _add_moments(mixture, wave.rows.vectors[n], row, mean, scatter)
    sums.mean[first:last] = mean.T
    sums.scatter[first:last] = scatter.T


@compiled
def evidence_diagonal(model: Model, rows: Rows, log_likelihood: Array) -> None:
    """log p of what is known of each row."""
    mixture, row = _inside_out(model), empty_row(model)
    for n in range(len(rows.weights)):
        log_likelihood[n] = _score(mixture, rows.vectors[n], row)


@inlined
def _score(mixture: Mixture, vector: Array, row: Row) -> float:
    """log p of what is known; responsibilities and expected deviations into `row`."""
    row.distance[:] = 0.0
    row.joint[:] = mixture.log_weights
    for i in range(len(vector)):
        if math.isnan(vector[i]):
            row.deviations[i] = 0.0
        else:
            value = bounded(vector[i], LARGEST)
            for k in range(len(row.joint)):
                row.deviations[i, k] = value - mixture.means[i, k]
                whitened = row.deviations[i, k] * mixture.factors[i, k]
                row.distance[k] += whitened * whitened
                row.joint[k] += mixture.log_factors[i, k]
    for k in range(len(row.joint)):
        row.joint[k] -= 0.5 * (row.distance[k] if row.distance[k] < FARTHEST else FARTHEST)
    return normalised(row)


@inlined
def _add_moments(mixture: Mixture, vector: Array, row: Row, mean: Array, scatter: Array) -> None:
    for i in range(len(vector)):
        missing = 1.0 if math.isnan(vector[i]) else 0.0
        for k in range(len(row.joint)):
            shift = row.deviations[i, k] + mixture.means[i, k] - mean[i, k]
            mean[i, k] += row.total[k] * shift
            spread = missing / (mixture.factors[i, k] * mixture.factors[i, k])
            scatter[i, k] += row.share[k] * shift * shift + row.distance[k] * spread


@part
def _inside_out(model: Model) -> Mixture:
    components, features = model.means.shape
    log_weights, log_factors = model.constants.copy(), np.empty((features, components))
    for k in range(components):
        for i in range(features):
            log_factors[i, k] = math.log(model.factors[k, i]) - 0.5 * LOG_2_PI
            log_weights[k] -= log_factors[i, k]
    return Mixture(log_weights, model.means.T.copy(), model.factors.T.copy(), log_factors)
