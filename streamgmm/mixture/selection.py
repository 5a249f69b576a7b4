"""How many components: the number whose mixture has the lowest criterion.

    BIC = -2 log L + p log n        (Schwarz 1978; Bishop 2006, equation 4.139, is minus half of it)
    AIC = -2 log L + 2 p            (Akaike 1974)

with p free parameters and n vectors, counted by weight.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture import bounds, passes, scoring, stepwise_em
from streamgmm.mixture.block import Rows
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.initialise import K_MEANS, Start
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.parameters import Parameters, shape_of
from streamgmm.mixture.passes import Passes
from streamgmm.mixture.rows import rows_of
from streamgmm.mixture.state import State

Criterion = Callable[[float, int, float], float]  # log L, p, n

_PASSES = Passes(at_most=30, tolerance=1e-3)
_COVARIANCE_PARAMETERS: Mapping[str, Callable[[int, int], int]] = {
    "full": lambda k, d: k * d * (d + 1) // 2,
    "tied": lambda k, d: d * (d + 1) // 2,
    "diag": lambda k, d: k * d,
    "spherical": lambda k, d: k,
}


class Candidate(NamedTuple):
    """What a number of components comes to, on the vectors that the choice was made on."""

    n_components: int
    log_likelihood: float  # nats, of all vectors
    n_parameters: int
    bic: float
    aic: float


class Choice(NamedTuple):
    """The best number of components, its model, and what every number scored (lower is better)."""

    n_components: int
    state: State
    scores: Mapping[int, float]
    candidates: tuple[Candidate, ...]  # ascending
    n_vectors: float  # by weight


def n_parameters(covariance: Covariance, shape: tuple[int, int]) -> int:
    """Free parameters of a mixture of `shape` (k, d)."""
    n_components, n_features = shape
    return n_components - 1 + n_components * n_features + _COVARIANCE_PARAMETERS[covariance.name](*shape)


def bic(log_likelihood: float, n_free: int, n_vectors: float) -> float:
    """Bayesian information criterion of a log-likelihood (nats, of all vectors); lower is better."""
    return -2 * log_likelihood + n_free * float(np.log(n_vectors))


def aic(log_likelihood: float, n_free: int, n_vectors: float) -> float:
    """Akaike's information criterion of a log-likelihood (nats, of all vectors); lower is better."""
    return -2 * log_likelihood + 2 * n_free


def criterion_on(parameters: Parameters, rows: Rows, covariance: Covariance, criterion: Criterion = bic) -> float:
    """A criterion of a model on rows."""
    return criterion(*_evidence(parameters, rows, covariance))


def _evidence(parameters: Parameters, rows: Rows, covariance: Covariance) -> tuple[float, int, float]:
    """log L, p and n."""
    scores = scoring.log_likelihood(parameters, rows.vectors, covariance)
    n_free = n_parameters(covariance, shape_of(parameters))
    return float(rows.weights @ scores), n_free, float(rows.weights.sum())


def choose_k(
    vectors: ArrayLike,
    candidates: Iterable[int],
    learning: Learning,
    *,
    random_state: int = 0,
    weights: ArrayLike | None = None,
    start: Start = K_MEANS,
    criterion: Criterion = bic,
) -> Choice:
    """The number of components, of `candidates`, that suits vectors (n, d) best, by BIC unless said otherwise.

    Many vectors are represented by a sample of them. Raises ValueError where there is no candidate, or one is not
    from 1 to the number of vectors.
    """
    if not isinstance(candidates, Iterable):
        raise ValueError(f"candidates is {candidates!r}; it must hold numbers of components")  # noqa: TRY004
    numbers = sorted({bounds.integer("candidates", candidate, 1) for candidate in candidates})
    bounds.integer("random_state", random_state, 0)
    if not numbers:
        raise ValueError("candidates is empty; it must name at least one number of components")
    rows = passes.buffer(rows_of(vectors, weights), numbers[-1], np.random.default_rng(random_state))
    states = {k: _fitted(rows, k, learning, random_state, start) for k in numbers}
    found = {k: _evidence(state.parameters, rows, learning.covariance) for k, state in states.items()}
    scores = {k: criterion(*evidence) for k, evidence in found.items()}
    best = min(numbers, key=scores.__getitem__)
    judged = tuple(Candidate(k, log_l, p, bic(log_l, p, n), aic(log_l, p, n)) for k, (log_l, p, n) in found.items())
    return Choice(best, states[best], scores, judged, float(rows.weights.sum()))


def _fitted(rows: Rows, n_components: int, learning: Learning, random_state: int, start: Start) -> State:
    """A model of all the rows, back at time 0 so that a stream can go on from it."""
    state = stepwise_em.init(
        rows.vectors, n_components, learning, random_state=random_state, weights=rows.weights, start=start
    )
    generator = np.random.default_rng(random_state)
    fitted = passes.fit(state, rows, learning, _PASSES, generator).state
    size = fitted.effective_sample_size
    return stepwise_em.begin(fitted.statistics, fitted.parameters, learning, effective_sample_size=size)
