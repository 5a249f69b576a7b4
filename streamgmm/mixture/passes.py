"""Many passes of stepwise EM over data that are all there: what `fit` is.

Each pass takes the rows in a new random order, a batch at a time. A pass that replaces a share s of the statistics
moves the likelihood by about that share of what an EM step would; so passes end when the mean log-likelihood gains
less than s times the tolerance.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from streamgmm.mixture import stepwise_em
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
    passes: int
    converged: bool


class Pass(NamedTuple):
    """One pass, as it went."""

    state: State
    log_likelihood: float  # nats a vector, each scored before it was learnt
    replaced: float  # share of the statistics


def fit(state: State, rows: Rows, learning: Learning, passes: Passes, generator: np.random.Generator) -> Fitted:
    """Passes over the rows until the likelihood no longer grows, at most so many. Some row must carry weight.

    A pass over fewer rows than a batch counts as a batch, so that it replaces no less.
    """
    batch_size = max(1, int(min(learning.batch_size, np.minimum(rows.weights, LARGEST).sum())))
    longer = learning.batch_size / batch_size
    half_life = learning.half_life._replace(batches=learning.half_life.batches * longer)
    fitting = learning._replace(batch_size=batch_size, half_life=half_life)
    state, done, converged = _passes(_in_batches(state, longer), rows, fitting, passes, generator)
    return Fitted(_in_batches(state, 1 / longer), done, converged)


def _in_batches(state: State, factor: float) -> State:
    """The state with its times told in batches that are so many times shorter."""
    average = state.average
    if average is not None:
        average = average._replace(
            recent_time=average.recent_time * factor,
            length=average.length * factor,
            earlier_time=average.earlier_time * factor,
        )
    return state._replace(time=state.time * factor, average=average)


def _passes(state: State, rows: Rows, learning: Learning, passes: Passes, generator: np.random.Generator) -> Fitted:
    before = -np.inf
    for done in range(1, passes.at_most + 1):
        state, log_likelihood, replaced = _one_pass(state, rows, learning, generator)
        if log_likelihood - before < passes.tolerance * replaced:
            return Fitted(state, done, converged=True)
        before = log_likelihood
    return Fitted(state, passes.at_most, converged=False)


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
