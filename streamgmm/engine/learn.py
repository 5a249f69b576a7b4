"""What is learnt of a batch: its scores wait, and the M-step between two batches takes them in.

A frozen model (`Plan.frozen`) does neither. Batches end where they would, so that what is done there is done there
still: the reference for drift is taken, and what follows an alarm begins.
"""

from collections.abc import Sequence

from streamgmm.engine import components
from streamgmm.engine.plan import Plan
from streamgmm.engine.react import frozen_reference, react
from streamgmm.engine.settling import settled
from streamgmm.engine.values import Array, Event, Live, Report, State
from streamgmm.mixture import averaging, stepwise_em
from streamgmm.mixture.event_time import later
from streamgmm.mixture.run import run
from streamgmm.mixture.state import Info


def score(plan: Plan, mixture: stepwise_em.State, rows: Array, weights: Array) -> tuple[stepwise_em.State, Info]:
    """What the model says of rows (n, d); a model that learns then waits for the M-step with what it has seen."""
    scored, info = stepwise_em.score(mixture, rows, weights, plan.learning)
    return mixture if plan.frozen else scored, info


def passed(plan: Plan, live: Live, filled: int, latest: float | None) -> Live:
    """The model that has seen so many vectors of a batch, the last one at that event time.

    For a frozen one event time that passes is no reason to forget, and what it had gathered before waits on.
    """
    if not plan.frozen:
        return live._replace(filled=filled, latest=latest)
    mixture = live.mixture._replace(event_time=later(live.mixture.event_time, latest))
    return live._replace(mixture=mixture, rested=filled, latest=None)


def learn_run(
    plan: Plan, live: Live, rows: Array, ends: Sequence[int], latest: Sequence[float | None]
) -> tuple[Live, Info]:
    """Full batches that end before the rows `ends` of (n, d), as many as are ordinary, and what is said of their rows.

    For a model of which nothing is asked at their ends; `latest` are the batches' event times.
    """
    learnt = run(live.mixture, rows, ends, plan.learning, latest)
    step_size = learnt.step_size if learnt.batches else live.step_size
    return live._replace(mixture=learnt.state, step_size=step_size), learnt.info


def learn(plan: Plan, state: State, live: Live) -> tuple[State, Live, Report]:
    """The end of a full batch: the model that has learnt it, or the frozen one.

    The reference is frozen at the first one after the model has settled: from the average where there is one. A model
    that need not settle, as one that was given, is frozen before it learns.
    """
    live, frozen_before = _referenced(plan, live)
    state, live, events = _rested(state, live) if plan.frozen else _learnt(plan, state, live)
    state, live, acted = react(plan, state, live)
    live, frozen_after = _referenced(plan, live)
    return state, live, acted._replace(events=(*frozen_before, *events, *acted.events, *frozen_after))


def _referenced(plan: Plan, live: Live) -> tuple[Live, list[Event]]:
    """With a reference, where there is none and the model has settled."""
    if plan.drift is None or live.drift.reference is not None or settled(plan, live) < 1:
        return live, []
    return frozen_reference(plan, live)


def _learnt(plan: Plan, state: State, live: Live) -> tuple[State, Live, list[Event]]:
    before = averaging.restart_average(live.mixture) if live.average_is_old else live.mixture
    mixture, info = stepwise_em.learn(before, plan.learning, live.latest)
    events = [Event("covariances_repaired", {"steps": mixture.steps, "count": info.repairs})] if info.repairs else []
    live = live._replace(mixture=mixture, filled=0, step_size=info.step_size, latest=None, average_is_old=False)
    state, live, changed = components.follow(state, live, info.changes)
    return state, live, events + changed


def _rested(state: State, live: Live) -> tuple[State, Live, list[Event]]:
    """A model that was to start anew does not."""
    return state, live._replace(rested=0, recent=None), []
