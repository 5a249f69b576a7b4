"""Many passes of stepwise EM over data that are all there: what `fit` is.

Liang and Klein (2009) and Nguyen, Forbes and McLachlan (2020) learn data this way. Each pass takes the rows in a new
random order, a batch at a time. A pass that replaces a share s of the statistics moves the likelihood by about that
share of what an EM step would; so passes end when the mean log-likelihood gains less than s times the tolerance.

A pass brings rows that were there before, so the model never says more than the rows do: its effective sample size is
at most theirs. Of weights only the ratios count: they are taken so that their mean is 1.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from streamgmm.mixture import averaging, effective_size, stepwise_em
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import LARGEST, Rows
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.state import State

_BUFFER = 5000
_BUFFER_PER_DIRECTION = 20  # vectors for each component and direction


class Passes(NamedTuple):
    """When to stop."""

    at_most: int
    tolerance: float  # nats a vector


class Fitted(NamedTuple):
    """What passes came to."""

    state: State
    averaged: State  # the same by the statistics averaged over the passes; where there are none, the state itself
    passes: int
    converged: bool


class Pass(NamedTuple):
    """One pass, as it went."""

    state: State
    log_likelihood: float  # nats a vector, each scored before it was learnt
    replaced: float  # share of the statistics


def fit(state: State, rows: Rows, learning: Learning, passes: Passes, generator: np.random.Generator) -> Fitted:
    """Passes over the rows until the likelihood no longer grows, at most so many. Some row must carry weight.

    A pass over fewer rows than a batch counts as a batch, so that it replaces no less. The average is that of these
    passes, and ends with them.
    """
    rows = _of_mean_one(rows)
    batch_size = min(learning.batch_size, int(np.count_nonzero(rows.weights)))
    longer = learning.batch_size / batch_size
    half_life = learning.half_life._replace(batches=learning.half_life.batches * longer)
    known = state.effective_sample_size if state.time > 0 else 0.0  # of what may have been learnt from other rows
    most = max(known, effective_size.of_each(rows.weights))
    fitting = learning._replace(batch_size=batch_size, half_life=half_life, most_vectors=most)
    begun = state._replace(time=state.time * longer, average=None)
    state, done, converged = _passes(begun, rows, fitting, passes, generator)
    ended, averaged = (
        one._replace(time=one.time / longer, average=None) for one in (state, averaging.settled(state, fitting))
    )
    return Fitted(ended, averaged, done, converged)


def _of_mean_one(rows: Rows) -> Rows:
    """The rows with their weights over the mean of those that are not 0."""
    weights = np.minimum(rows.weights, LARGEST)
    mean = float(weights.sum() / np.count_nonzero(weights))
    return rows if mean == 1 else rows._replace(weights=frozen(weights / mean))


def _passes(
    state: State, rows: Rows, learning: Learning, passes: Passes, generator: np.random.Generator
) -> tuple[State, int, bool]:
    """The state after them, how many there were, and whether they ended by themselves."""
    before = -np.inf
    for done in range(1, passes.at_most + 1):
        state, log_likelihood, replaced = _one_pass(state, rows, learning, generator)
        if log_likelihood - before < passes.tolerance * replaced:
            return state, done, True
        before = log_likelihood
    return state, passes.at_most, False


def buffer(rows: Rows, n_components: int, generator: np.random.Generator) -> Rows:
    """The rows to start from: all, or of many rows a sample of those that carry weight, in their order."""
    size = max(_BUFFER, _BUFFER_PER_DIRECTION * n_components * (rows.vectors.shape[1] + 1))
    carrying = np.flatnonzero(rows.weights > 0)
    if len(carrying) <= size:
        return rows
    chosen = np.sort(generator.choice(carrying, size, replace=False))
    return Rows(frozen(rows.vectors[chosen]), frozen(rows.weights[chosen]))


def batches(weights: Array, batch_size: int) -> list[slice]:
    """The rows of each batch: `batch_size` that carry weight, with those between them that carry none."""
    ends = np.flatnonzero(weights > 0)[batch_size - 1 : -1 : batch_size] + 1
    return [slice(*span) for span in pairwise([0, *ends.tolist(), len(weights)])]


def _one_pass(state: State, rows: Rows, learning: Learning, generator: np.random.Generator) -> Pass:
    order = generator.permutation(np.flatnonzero(rows.weights > 0))
    total, kept = 0.0, 1.0
    for batch in batches(rows.weights[order], learning.batch_size):
        chosen = order[batch]
        state, info = stepwise_em.score(state, rows.vectors[chosen], rows.weights[chosen], learning)
        state, step = stepwise_em.learn(state, learning)
        total += float(rows.weights[chosen] @ info.log_likelihood)
        kept *= 1 - step.step_size
    return Pass(state, total / float(rows.weights.sum()), 1 - kept)
