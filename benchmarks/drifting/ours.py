"""streamgmm as the benchmark runs it: a model learnt from a stream, its reference, and the windows it alarms in."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from streamgmm.drift import monitor
from streamgmm.drift.watch import Wanted
from streamgmm.mixture import averaging, covariance, scoring, stepwise_em
from streamgmm.mixture.arrays import Array

FULL = covariance.by_name("full")
LEARNING = stepwise_em.Learning(FULL, batch_size=512, averaging=True)
SETTLE = 20_000  # vectors learnt before the reference is frozen
_BUFFER = 3000
_FETCH = 2000


class Watched(NamedTuple):
    """A calibrated monitor, and its plan."""

    state: monitor.State
    plan: monitor.Plan


def window_for(run_length: float) -> int:
    """The window that the README advises."""
    return 20 if run_length <= 20_000 else 50 if run_length <= 200_000 else 100


def learnt(vectors: Array, components: int) -> stepwise_em.State:
    """A model learnt from a stream (n, d), from a k-means start."""
    state = stepwise_em.init(vectors[:_BUFFER], components, LEARNING)
    for start in range(0, len(vectors), LEARNING.batch_size):
        state, _ = stepwise_em.update(state, vectors[start : start + LEARNING.batch_size], LEARNING)
    return state


def calibrated(
    model: stepwise_em.State,
    reference: Array,
    run_length: int,
    *,
    window: int,
    seed: int,
    detectors: tuple[str, ...] = ("ewma",),
) -> Watched:
    """A monitor whose reference is the model with these vectors (n, d)."""
    wanted = Wanted(window, run_length, seed, detectors)
    plan = monitor.Plan(None, SETTLE, len(reference), wanted, 0.001, 10 * window, FULL)
    frozen = averaging.averaged(model, LEARNING)
    ids = np.arange(len(frozen.weights))
    learnt = averaging.averaged_size(model, LEARNING)
    state = monitor.freeze(monitor.init(), frozen, ids, steps=model.steps, learnt=learnt)
    state, _ = monitor.update(state, reference, plan)
    return Watched(state, plan)


def log_likelihood(watched: Watched, vectors: Array) -> Array:
    """What the peers are shown, under the same frozen model: (n,)."""
    assert watched.state.reference is not None
    return scoring.log_likelihood(watched.state.reference.parameters, vectors, FULL)


def alarms(watched: Watched, pieces: Iterator[Array]) -> Iterator[int]:
    """Vectors after which an alarm rises; after each the detectors begin anew."""
    state, done, fresh = watched.state, 0, watched.state
    for piece in _cut(pieces):
        at = 0
        while at < len(piece):
            state, info = monitor.update(state, piece[at:], watched.plan)
            raised = [change.row for change in info.changes if change.kind == "raised"]
            if not raised:
                break
            yield done + at + raised[0]
            at, state = at + max(raised[0], 1), fresh
        done += len(piece)


def _cut(pieces: Iterator[Array]) -> Iterator[Array]:
    """As the service cuts a stream, roughly."""
    for piece in pieces:
        for start in range(0, len(piece), _FETCH):
            yield piece[start : start + _FETCH]
