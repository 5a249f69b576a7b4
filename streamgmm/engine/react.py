"""What follows an alarm, by setting: the step size starts anew, the model does, or the reference.

An action waits for the next M-step: there every stream is cut, so it falls at the same vector however records were
fetched. Reinitialising first gathers the vectors that follow the alarm, as many as a warm-up wants. The model before an
action that changes it is handed on, to be kept.
"""

from collections.abc import Callable, Mapping

import numpy as np

from streamgmm.drift import monitor
from streamgmm.drift.wasserstein import distances
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Array, Event, Kept, Live, Recent, Report, State, combined
from streamgmm.mixture import averaging, stepwise_em
from streamgmm.mixture.arrays import frozen
from streamgmm.mixture.initialise import K_MEANS
from streamgmm.mixture.vacancy import vacant
from streamgmm.records import columns
from streamgmm.records.columns import Int64

Reaction = tuple[State, Live, Report]
NOTHING = Report()


def react(plan: Plan, state: State, live: Live) -> Reaction:
    """At an M-step: begin what an alarm has asked for, or finish a reinitialisation whose vectors are there."""
    if live.recent is not None and "reinitialise" in plan.actions:
        return _reinitialised(plan, state, live, live.recent) if _enough(plan, live.recent) else (state, live, NOTHING)
    live = live._replace(recent=None)  # what is not asked for any more does not happen
    if not live.alarmed:
        return state, live, NOTHING
    live, reports = live._replace(alarmed=False), list[Report]()
    for action in plan.actions:
        state, live, said = _ACTIONS[action](plan, state, live)
        reports.append(said)
    return state, live, combined(reports)


def gathered(live: Live, rows: Array, weights: Array) -> Live:
    """The vectors after an alarm, while a reinitialisation waits for enough of them."""
    if live.recent is None:
        return live
    vectors = np.concatenate([live.recent.vectors, rows]) if len(live.recent.weights) else np.array(rows)
    return live._replace(recent=Recent(frozen(vectors), frozen(np.concatenate([live.recent.weights, weights]))))


def frozen_reference(plan: Plan, live: Live) -> tuple[Live, list[Event]]:
    """The model, averaged where it keeps averages, as the next reference."""
    mixture = live.mixture
    drift = monitor.freeze(
        live.drift,
        averaging.averaged(mixture, plan.learning),
        live.ids,
        steps=mixture.steps,
        learnt=averaging.averaged_size(mixture, plan.learning),
    )
    taken = {"steps": mixture.steps, "batches": mixture.time, "reference": drift.versions}
    return live._replace(drift=drift), [Event("reference_frozen", taken)]


def _reheated(plan: Plan, state: State, live: Live) -> Reaction:
    mixture = averaging.restart_average(live.mixture)._replace(time=0.0)
    fields = {
        "reference": live.drift.versions,
        "before": {**_named(state, live.mixture), "batches": live.mixture.time},
        "after": {**_named(state, mixture), "batches": mixture.time},
        "reference_let_go": "new_reference" in plan.actions,
    }
    report = Report(events=(Event("model_reheated", fields),), kept=(_kept("reheat", state, live),))
    return state, live._replace(mixture=mixture, drift=live.drift._replace(let_go=0.0)), report


def _named(state: State, mixture: stepwise_em.State) -> dict[str, int]:
    """What says which model it is."""
    return {"generation": state.generation, "steps": mixture.steps}


def _kept(action: str, state: State, live: Live) -> Kept:
    return Kept(action, state._replace(model=live))


def _renewed_reference(plan: Plan, state: State, live: Live) -> Reaction:
    """The reference is let go: the model settles, and is then frozen (`learn`)."""
    assert plan.drift is not None  # noqa: S101 - an alarm is watched for
    gone = {
        "reference": live.drift.versions,
        "steps": live.mixture.steps,
        "batches": live.mixture.time,
        "settle": 0 if plan.frozen else plan.drift.settle_again,
    }
    live = live._replace(drift=monitor.let_go(live.drift, live.mixture.time))
    return state, live, Report(events=(Event("reference_let_go", gone),))


def _reinitialising(plan: Plan, state: State, live: Live) -> Reaction:
    d = live.mixture.parameters.means.shape[1]
    return state, live._replace(recent=Recent(frozen(np.zeros((0, d))), frozen(np.zeros(0)))), NOTHING


_ACTIONS: Mapping[str, Callable[[Plan, State, Live], Reaction]] = {
    "reheat": _reheated,
    "reinitialise": _reinitialising,
    "new_reference": _renewed_reference,
}


def _enough(plan: Plan, recent: Recent) -> bool:
    n_components, n_features = plan.candidates[-1], recent.vectors.shape[1]
    return bool(int((recent.weights > 0).sum()) >= max(plan.warm_up or 0, 5 * n_components * (n_features + 1)))


def _reinitialised(plan: Plan, state: State, live: Live, recent: Recent) -> Reaction:
    """A model from the vectors after the alarm; each component takes the id of the old one it lies nearest to."""
    last = live.mixture
    mixture = stepwise_em.init(
        recent.vectors,
        len(live.ids),
        plan.learning,
        random_state=plan.learning.random_state,
        weights=recent.weights,
        start=K_MEANS,
    )
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow to load, and rarely needed

    apart = distances(last.parameters, mixture.parameters, plan.learning.covariance)
    old, new = linear_sum_assignment(apart)
    ids = np.empty(len(live.ids), np.int64)
    ids[new], next_id = _ids_to_take(state, live)[old], state.next_id + int(vacant(last.parameters.weights).sum())
    mixture = mixture._replace(steps=last.steps, repairs=last.repairs, event_time=last.event_time)
    anew = {
        "vectors": int((recent.weights > 0).sum()),
        "before": _named(state, last),
        "after": _named(state._replace(generation=state.generation + 1), mixture),
        "ids": ids.tolist(),
        "ids_version": state.ids_version + 1,
        "distances": apart[old, new][np.argsort(new)].tolist(),
    }
    kept = _kept("reinitialise", state, live._replace(recent=None))
    drift = monitor.State(versions=live.drift.versions)
    state = state._replace(generation=state.generation + 1, ids_version=state.ids_version + 1, next_id=next_id)
    live = live._replace(mixture=mixture, ids=columns.frozen(ids), filled=0, step_size=0.0, drift=drift)
    live = live._replace(recent=None, alarmed=False)  # an alarm that rose again meanwhile has been acted upon
    return state, live, Report(events=(Event("model_reinitialised", anew),), kept=(kept,))


def _ids_to_take(state: State, live: Live) -> Int64:
    """The ids of the old components, with a new one for each that has been merged away: no id is given twice."""
    ids, empty = live.ids.copy(), vacant(live.mixture.parameters.weights)
    ids[empty] = state.next_id + np.arange(int(empty.sum()))
    return ids
