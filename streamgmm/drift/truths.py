"""What may be true where a frozen model is what was learnt of it: mixtures round the model, drawn by its sample's size.

A model learnt from n vectors is not the truth, and what comes later lies a little off it: further from the means than
its own covariances say, with other shares and other spreads. Taken as the truth it lets too many alarms pass as rare.
With n_k = n pi_k vectors of each component, and nothing known beforehand,

    pi* ~ Dirichlet(n pi),   Sigma*_k = Sigma_k (W / n_k)^-1 Sigma_k,   W ~ Wishart(n_k, Sigma_k),
    mu*_k ~ N(mu_k, Sigma*_k / n_k)

W in the covariance's own shape: its diagonal, its trace, or one for all (Gelman et al. 2013, section 3.6). That is with
labels known; where components overlap each n_k counts by the fraction that is known without (`information`).
"""

from typing import NamedTuple

import numpy as np

from streamgmm.drift.scores import MEAN, SPREAD, WEIGHTS, Held
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.conditional import full_covariances
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters, shape_of
from streamgmm.mixture.sampling import roots

_MANY = 16  # truths that a mean is taken over
_LEAST_WEIGHT = 1e-12


class Frozen(NamedTuple):
    """The frozen model, and what it knows."""

    parameters: Parameters
    held: Held
    covariance: Covariance
    learnt: float  # from how many independent vectors
    fractions: Array  # (f, k) of `information`


class Truth(NamedTuple):
    """A mixture, whatever its covariances' type."""

    weights: Array  # (k,) sum 1
    means: Array  # (k, d)
    roots: Array  # (k, d, d) the covariance of k is R_k R_k^T


def truth(model: Frozen, generator: np.random.Generator) -> Truth:
    """One that may be."""
    k, d = shape_of(model.parameters)
    counts = model.learnt * np.maximum(model.parameters.weights, _LEAST_WEIGHT)
    weights = _weights(counts, model.fractions[WEIGHTS], generator)
    of_spread, of_mean = (
        np.maximum(counts * model.fractions[family], 2.0 * (d + 1))  # one with fewer has leant on the others
        for family in (SPREAD, MEAN)
    )
    found = _roots(model, of_spread, generator)
    away = np.einsum("kij,kj->ki", found, generator.standard_normal((k, d))) / np.sqrt(of_mean)[:, None]
    return Truth(weights, model.parameters.means + away, found)


def spread(model: Frozen, generator: np.random.Generator) -> Array:
    """The mean of the scores of spread (k,) over what may be true: above 0, as vectors lie further off than learnt."""
    k, d = shape_of(model.parameters)
    total = np.zeros(k)
    for _ in range(_MANY):
        one = truth(model, generator)
        whitened = np.swapaxes(model.held.factors, 1, 2) @ one.roots  # P^T R
        away = np.einsum("kji,kj->ki", model.held.factors, one.means - model.parameters.means)
        total += one.weights * ((whitened**2).sum(axis=(1, 2)) + (away**2).sum(axis=1) - d)
    return total / _MANY


def _weights(counts: Array, fractions: Array, generator: np.random.Generator) -> Array:
    """(k,) about the model's, sum 1; the fraction is that of all components together, so that they stay unbiased."""
    counts = counts * float(np.average(fractions, weights=counts))
    weights = generator.gamma(counts)
    return np.asarray(weights / weights.sum() if weights.sum() > 0 else counts / counts.sum())


def _roots(model: Frozen, counts: Array, generator: np.random.Generator) -> Array:
    """(k, d, d) of the covariances."""
    parameters, covariance = model.parameters, model.covariance
    k, d = shape_of(parameters)
    lower = np.tril(generator.standard_normal((k, d, d)), -1)  # Bartlett 1933
    lower[:, np.arange(d), np.arange(d)] = np.sqrt(generator.chisquare(counts[:, None] - np.arange(d)))
    of_sample = np.einsum("kij,kjl->kil", roots(parameters, covariance), lower)
    scatter = np.einsum("kij,klj->kil", of_sample, of_sample)
    sums = scatter if len(covariance.kernel.shape(k, d)) == 3 else np.diagonal(scatter, axis1=1, axis2=2)
    factors, _ = covariance.factorise(covariance.form(covariance.of_sums(sums), counts))
    by_kernel = covariance.factors(factors, (k, d))
    whole = by_kernel if by_kernel.ndim == 3 else by_kernel[:, :, None] * np.eye(d)
    return np.asarray(np.einsum("kij,kjl->kil", full_covariances(parameters, covariance), whole))
