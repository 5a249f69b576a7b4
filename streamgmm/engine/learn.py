"""The M-step between two batches: learn, say what became of components, and take the reference for drift."""

from streamgmm.drift import monitor
from streamgmm.engine import components
from streamgmm.engine.plan import Plan
from streamgmm.engine.react import frozen_reference, react
from streamgmm.engine.values import Event, Live, Report, State
from streamgmm.mixture import averaging, stepwise_em


def learn(plan: Plan, state: State, live: Live) -> tuple[State, Live, Report]:
    """The model that has learnt the full batch.

    The reference is frozen at the first M-step after the model has settled: from the average where there is one.
    """
    before = averaging.restart_average(live.mixture) if live.average_is_old else live.mixture
    mixture, info = stepwise_em.learn(before, plan.learning, live.latest)
    events = [Event("covariances_repaired", {"steps": mixture.steps, "count": info.repairs})] if info.repairs else []
    live = live._replace(mixture=mixture, filled=0, step_size=info.step_size, latest=None, average_is_old=False)
    state, live, changed = components.follow(state, live, info.changes)
    events += changed
    state, live, acted = react(plan, state, live)
    events += acted.events
    if plan.drift is not None and live.drift.reference is None and _settled(plan, plan.drift, live):
        live, said = frozen_reference(plan, live)
        events += said
    return state, live, acted._replace(events=tuple(events))


def _settled(plan: Plan, drift: monitor.Plan, live: Live) -> bool:
    return drift.settle is not None and live.mixture.time * plan.learning.batch_size >= drift.settle
