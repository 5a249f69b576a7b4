"""Stepwise EM (Cappe and Moulines 2009, equation 13) of a Gaussian mixture: read this first.

A state is a value; every function here takes one and returns the next. Vectors are scored by the model as it stands
(the E-step), and what they say about the components is gathered; an M-step then blends it into the statistics with a
step size that falls with time, and forms the next model from them:

    score:  r = p(k | x),  log p(x);   pending += r, r x, r x x^T                 gaussian, block, moments, pending
    learn:  s = (1 - eta) s + eta pending / weight;   parameters = argmax_s       due, statistics, parameters

`score` may be called with pieces of any size: the same rows, with `learn` at the same places, give the same bits.
"""

from functools import partial

from numpy.typing import ArrayLike

from streamgmm.mixture import background, bounds, effective_size, gaussian, lookout, unseen, weak
from streamgmm.mixture import pending as batch
from streamgmm.mixture.average import extended
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.due import due
from streamgmm.mixture.initialise import K_MEANS, Start, initialise
from streamgmm.mixture.learning import Learning, check_timed, checked
from streamgmm.mixture.look_after import look_after
from streamgmm.mixture.parameters import Parameters, m_step, shape_of
from streamgmm.mixture.rows import rows_of
from streamgmm.mixture.state import Info, State, StepInfo, UpdateInfo
from streamgmm.mixture.statistics import Statistics, blend, of_sums, scaled

__all__ = ["Info", "Learning", "State", "StepInfo", "UpdateInfo", "begin", "init", "learn", "score", "update"]


def update(
    state: State,
    vectors: ArrayLike,
    learning: Learning,
    weights: ArrayLike | None = None,
    event_time: float | None = None,
) -> tuple[State, UpdateInfo]:
    """One step of stepwise EM: score, then learn. `UpdateInfo.step` tells what became of the components.

    Raises ValueError for what is not finite, for a hyper-parameter that is out of its bounds, and for a half-life in
    seconds without an event time, which would never forget.
    """
    check_timed(learning, event_time)
    scored, info = score(state, vectors, weights, checked(learning))
    learnt, step = learn(scored, learning, event_time)
    return learnt, UpdateInfo(*info, step)


def score(state: State, vectors: ArrayLike, weights: ArrayLike | None, learning: Learning) -> tuple[State, Info]:
    """The E-step of vectors (n, d), which then wait to be learnt. Raises ValueError for what is not finite."""
    rows = rows_of(vectors, weights, state.parameters.means.shape[1])
    model = gaussian.model(state.parameters, learning.covariance)
    pending, output = background.add_beside(state.pending, model, rows, learning, state.background)
    watching = lookout.counted(state.lookout, rows, output.responsibilities)
    return state._replace(pending=pending, lookout=watching), Info(*output)


def learn(state: State, learning: Learning, event_time: float | None = None) -> tuple[State, StepInfo]:
    """The M-step: blend what is pending into the statistics. Without any weight pending nothing happens.

    `event_time` is the largest one (seconds) of what is learnt; a half-life in seconds forgets by its growth.
    `learning` is taken as it is: `init`, `begin` and `update` look at its bounds. Raises ValueError for an event time
    that is not finite.
    """
    covariance, last = learning.covariance, state.parameters
    sums = batch.close(state.pending, partial(gaussian.model, last, covariance), covariance.kernel)
    sums = sums._replace(weight=sums.weight + state.pending.background)
    if sums.weight == 0:
        return state, StepInfo(0.0, 0.0, 0)
    time, latest, size, eta = due(state, sums.weight, state.pending.squares, event_time, learning)
    new, vectors = of_sums(sums, last.means, covariance), effective_size.of_weights(sums.weight, state.pending.squares)
    statistics = blend(state.statistics, new, eta, covariance)
    if unseen.any_in(last, covariance):
        state, statistics = _with_what_appeared(state, statistics, new, vectors, covariance)
    statistics, last, average, watching, changes = look_after(state, statistics, size, learning)
    parameters, repairs = m_step(weak.lean(statistics, size, covariance), last, learning)
    passed = (time - state.time) * (vectors / sums.weight)  # counted by vectors
    learnt = State(
        parameters,
        statistics,
        batch.nothing(shape_of(last), covariance.kernel),
        time=time,
        steps=state.steps + 1,
        repairs=state.repairs + repairs,
        effective_sample_size=size,
        event_time=latest,
        average=extended(average, statistics, passed, covariance) if learning.averaging else None,
        revived=state.revived + sum(change.is_birth for change in changes),
        background=(1 - eta) * state.background + eta * state.pending.background / sums.weight,
        lookout=watching,
    )
    return learnt, StepInfo(eta, sums.weight, repairs, weak.count(statistics, size), changes)


def _with_what_appeared(
    state: State, statistics: Statistics, new: Statistics, vectors: float, covariance: Covariance
) -> tuple[State, Statistics]:
    """The blended statistics with features of which nothing was known, as far as the batch `new` has values of them.

    The average begins anew then: it knew nothing of them.
    """
    last = state.parameters
    features = unseen.appeared(new, last, covariance)
    if not features.any():
        return state, statistics
    without_gaps = state.pending._replace(gaps=None, gap_rows=None)
    sums = batch.close(without_gaps, partial(gaussian.model, last, covariance), covariance.kernel)
    complete = of_sums(sums._replace(weight=max(sums.weight, 1.0)), last.means, covariance)
    batch_says = unseen.said(new, complete, vectors, covariance)
    return state._replace(average=None), unseen.taken_in(statistics, features, batch_says, covariance)


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
    carrying, whole = int((rows.weights > 0).sum()), start.given.complete
    bounds.integer("random_state", random_state, 0)
    bounds.integer("n_init", start.n_init, 1)
    if bounds.integer("n_components", n_components, 1) > carrying and not whole:
        raise ValueError(f"n_components is {n_components}; it must be from 1 to the number of vectors, {carrying}")
    found = initialise(rows, n_components, checked(learning), random_state, start)
    if whole:
        return begin(*found, learning)
    return begin(*found, learning, effective_sample_size=effective_size.of_each(rows.weights))


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
    background.check(learning.background, shape_of(parameters)[1])
    beside = background.FIRST_WEIGHT
    return state._replace(statistics=scaled(statistics, 1 - beside), background=beside)
