"""How far a model has settled: then it may become the reference for drift."""

from streamgmm.drift import monitor
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Live


def settled(plan: Plan, live: Live) -> float:
    """0 to 1; at 1 the next M-step freezes it. What it has learnt counts since the last reference was let go.

    A frozen model moves no more. One that an action asks another reference of settles by the stream, whatever
    `drift.reference` says of the first.
    """
    assert plan.drift is not None  # noqa: S101 - without drift there is no reference
    settle = monitor.to_settle(live.drift, plan.drift)
    if settle is None:
        return 0.0
    if plan.frozen or settle == 0:
        return 1.0
    return min(1.0, (live.mixture.time - live.drift.let_go) * plan.learning.batch_size / settle)
