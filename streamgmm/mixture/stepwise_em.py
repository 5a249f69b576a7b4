"""Stepwise EM (Cappe and Moulines 2009) of a Gaussian mixture: read this first.

A state is a value; every function here takes one and returns the next. Vectors are scored by the model as it stands
(the E-step), and what they say about the components is gathered; an M-step then blends it into the statistics with a
step size that falls with time, and forms the next model from them:

    score:  r = p(k | x),  log p(x);   pending += r, r x, r x x^T                 gaussian, block, moments, pending
    learn:  s = (1 - eta) s + eta pending / weight;   parameters = argmax_s       step_size, statistics, parameters

`score` may be called with pieces of any size: the same rows, with `learn` at the same places, give the same bits.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture import background, bounds, effective_size, gaussian, missing, weak
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import pending as batch
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.average import Average, extended, over_both
from streamgmm.mixture.block import LARGEST
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.effective_size import add_squares
from streamgmm.mixture.event_time import later, passed
from streamgmm.mixture.initialise import K_MEANS, Start, initialise
from streamgmm.mixture.learning import Learning, checked
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.parameters import Parameters, m_step, shape_of
from streamgmm.mixture.pending import Pending
from streamgmm.mixture.revive import Scene, revive
from streamgmm.mixture.rows import rows_of
from streamgmm.mixture.statistics import Statistics, blend, of_sums, scaled
from streamgmm.mixture.step_size import step_size
from streamgmm.mixture.weak import Change

__all__ = ["Change", "Info", "Learning", "Parameters", "Pending", "State", "Statistics", "StepInfo", "Sums"]
__all__ += ["averaged", "begin", "e_step", "evaluate", "init", "learn", "log_likelihood", "restart_average", "score"]
__all__ += ["scored_by_average", "settled", "update", "warm_kernels"]


class State(NamedTuple):
    """All that the next step needs."""

    parameters: Parameters
    statistics: Statistics
    pending: Pending  # scored since the last M-step
    time: float  # weight learnt / batch_size
    steps: int  # M-steps
    repairs: int  # covariances that needed more regularisation, or kept the last good one
    effective_sample_size: float  # vectors of equal weight that would say as much as the statistics
    event_time: float | None = None  # seconds, the largest learnt; None before any was given
    average: Average | None = None  # of the statistics, where `Learning.averaging` asks for it
    revived: int = 0  # dead components that were respawned or split
    background: float = 0.0  # weight of the background


class Info(NamedTuple):
    """What an observer may want to know of each vector."""

    responsibilities: Array  # (n, k); sum to 1, less what belongs to the background
    log_likelihood: Array  # (n,) nats


class StepInfo(NamedTuple):
    """What an observer may want to know of an M-step."""

    step_size: float
    weight: float  # learnt by it
    repairs: int
    weak: int = 0  # components that borrow covariance from the others
    changes: tuple[Change, ...] = ()  # what became of components


def init(
    vectors: ArrayLike,
    n_components: int,
    learning: Learning,
    *,
    random_state: int = 0,
    weights: ArrayLike | None = None,
    start: Start = K_MEANS,
) -> State:
    """A model from a buffer of vectors (n, d), weights (n,), by `start` and a short batch EM. At time 0.

    Raises ValueError where fewer vectors than components carry weight, or a value is not finite.
    """
    rows = rows_of(vectors, weights)
    carrying = int((rows.weights > 0).sum())
    bounds.integer("random_state", random_state, 0)
    if bounds.integer("n_components", n_components, 1) > carrying:
        raise ValueError(f"n_components is {n_components}; it must be from 1 to the number of vectors, {carrying}")
    found = initialise(rows, n_components, checked(learning), random_state, start)
    if start.given.complete:
        return begin(*found, learning)
    size = effective_size.of_weights(float(np.minimum(rows.weights, LARGEST).sum()), add_squares(0.0, rows.weights))
    return begin(*found, learning, effective_sample_size=size)


def begin(
    statistics: Statistics, parameters: Parameters, learning: Learning, *, effective_sample_size: float | None = None
) -> State:
    """The state of a model that is known, at time 0.

    Without an effective sample size it counts as learnt from as many batches as the delay, but from one at least.
    """
    size = effective_sample_size or learning.batch_size * max(learning.delay, 1.0)
    nothing = batch.nothing(shape_of(parameters), checked(learning).covariance.kernel)
    state = State(parameters, statistics, nothing, time=0.0, steps=0, repairs=0, effective_sample_size=size)
    if learning.background is None:
        return state
    beside = background.FIRST_WEIGHT
    return state._replace(statistics=scaled(statistics, 1 - beside), background=beside)


def score(state: State, vectors: ArrayLike, weights: ArrayLike | None, learning: Learning) -> tuple[State, Info]:
    """The E-step of vectors (n, d), which then wait to be learnt. Raises ValueError for what is not finite."""
    rows = rows_of(vectors, weights, state.parameters.means.shape[1])
    model = gaussian.model(state.parameters, learning.covariance)
    kernel, beside = learning.covariance.kernel, learning.background
    if beside is None:
        pending, output = batch.add(state.pending, model, rows, kernel)
    else:
        pending, output = background.add(state.pending, model, rows, kernel, beside, state.background)
    return state._replace(pending=pending), Info(*output)


def learn(state: State, learning: Learning, event_time: float | None = None) -> tuple[State, StepInfo]:
    """The M-step: blend what is pending into the statistics. Without any weight pending nothing happens.

    `event_time` is the largest one (seconds) of what is learnt; a half-life in seconds forgets by its growth.
    """
    covariance, last = learning.covariance, state.parameters
    sums = batch.close(state.pending, gaussian.model(last, covariance), covariance.kernel)
    sums = sums._replace(weight=sums.weight + state.pending.background)
    if sums.weight == 0:
        return state, StepInfo(0.0, 0.0, 0)
    time, latest = state.time + sums.weight / learning.batch_size, later(state.event_time, event_time)
    eta = _step_size(state, time, latest, learning)
    statistics = blend(state.statistics, of_sums(sums, last.means, covariance), eta, covariance)
    size = effective_size.blended(state.effective_sample_size, eta, sums.weight, state.pending.squares)
    statistics, changes = _look_after(state, statistics, size, learning)
    revived = sum(change.parent is not None for change in changes)
    parameters, repairs = m_step(weak.lean(statistics, size, covariance), last, learning)
    learnt = State(
        parameters,
        statistics,
        batch.nothing(shape_of(last), covariance.kernel),
        time=time,
        steps=state.steps + 1,
        repairs=state.repairs + repairs,
        effective_sample_size=size,
        event_time=latest,
        average=_average(None if revived else state.average, statistics, time - state.time, learning),
        revived=state.revived + revived,
        background=(1 - eta) * state.background + eta * state.pending.background / sums.weight,
    )
    return learnt, StepInfo(eta, sums.weight, repairs, weak.count(statistics, size), changes)


def averaged(state: State, learning: Learning) -> Parameters:
    """The model that the averaged statistics say; the state's own where there are none."""
    return settled(state, learning).parameters


def settled(state: State, learning: Learning) -> State:
    """The state that goes on from its averaged statistics and averages anew; itself where there are none."""
    if state.average is None:
        return state
    covariance = learning.covariance
    statistics = over_both(state.average, covariance)
    lean = weak.lean(statistics, state.effective_sample_size, covariance)
    return state._replace(parameters=m_step(lean, state.parameters, learning)[0], statistics=statistics, average=None)


def scored_by_average(state: State, vectors: ArrayLike, learning: Learning) -> Info:
    """What the averaged model says of vectors (n, d), none of which is learnt; the state's own where there is none."""
    nothing = batch.nothing(shape_of(state.parameters), learning.covariance.kernel)
    looking = state._replace(parameters=averaged(state, learning), pending=nothing)
    return score(looking, vectors, None, learning)[1]


def restart_average(state: State) -> State:
    """The state whose average begins anew with the next M-step."""
    return state._replace(average=None)


def _look_after(
    state: State, statistics: Statistics, size: float, learning: Learning
) -> tuple[Statistics, tuple[Change, ...]]:
    """Dead components by their policy; and what became of any component in this step."""
    sides = (state.statistics, state.effective_sample_size), (statistics, size)
    if min(weak.fewest(*side) for side in sides) >= weak.needed(statistics):
        return statistics, ()
    before, after = (weak.counts(*side) for side in sides)
    changes = weak.changes(before, after, weak.needed(statistics))
    if learning.dead_components is None or after.min() >= weak.DEAD_BELOW:
        return statistics, changes
    generator = np.random.default_rng([learning.random_state, state.steps])
    scene = Scene(statistics, state.parameters, size, learning.covariance, generator)
    statistics, revived = revive(scene, learning.dead_components)
    return statistics, changes + revived


def _average(average: Average | None, statistics: Statistics, time: float, learning: Learning) -> Average | None:
    return extended(average, statistics, time, learning.covariance) if learning.averaging else None


def _step_size(state: State, time: float, event_time: float | None, learning: Learning) -> float:
    return step_size(
        state.time,
        time,
        exponent=learning.exponent,
        delay=learning.delay,
        half_life=learning.half_life,
        seconds=min(passed(state.event_time, event_time), learning.max_gap),
    )


def update(
    state: State, vectors: ArrayLike, learning: Learning, weights: ArrayLike | None = None
) -> tuple[State, Info]:
    """One step of stepwise EM: score, then learn.

    Raises ValueError for what is not finite, and for a hyper-parameter that is out of its bounds.
    """
    scored, info = score(state, vectors, weights, checked(learning))
    learnt, _ = learn(scored, learning)
    return learnt, info


def evaluate(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Info:
    """The E-step of vectors (n, d) under a model that does not learn them."""
    shape = shape_of(parameters)
    rows = rows_of(vectors, None, shape[1])
    model, nothing = gaussian.model(parameters, covariance), batch.nothing(shape, covariance.kernel)
    return Info(*batch.add(nothing, model, rows, covariance.kernel)[1])


def e_step(
    parameters: Parameters, vectors: ArrayLike, covariance: Covariance, weights: ArrayLike | None = None
) -> tuple[Info, Sums]:
    """Score vectors (n, d) under a model that does not learn from them: what it says of each, and their sums.

    The same vectors give the same bits; of another cut only the info does. Raises ValueError as `score` does.
    """
    rows = rows_of(vectors, weights, parameters.means.shape[1])
    sums, output = batch.at_once(gaussian.model(parameters, covariance), rows, covariance.kernel)
    return Info(*output), sums


def log_likelihood(parameters: Parameters, vectors: ArrayLike, covariance: Covariance) -> Array:
    """log p of vectors (n, d), of what is known of each, under a model that is not learnt, in nats: (n,)."""
    rows = rows_of(vectors, None, parameters.means.shape[1])
    return missing.evidence(covariance.kernel, gaussian.model(parameters, covariance), rows)


def warm_kernels(*names: str) -> None:
    """Compile what these types of covariance need (all of them unless named), or load it from the cache, so that the
    first vectors do not wait: those with gaps, and those scored under a reference, too.
    """
    rows = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]
    for name in names or ("full", "tied", "diag", "spherical"):
        beside = background.over([-1.0, -1.0], [3.0, 3.0])
        learning = Learning(covariances.by_name(name), batch_size=4, background=beside)
        state, _ = update(init(rows, 1, learning), [*rows, [3.0, math.nan]], learning)
        log_likelihood(state.parameters, [*rows, [math.nan, 1.0]], learning.covariance)
