"""Names of components: an id is kept for life and never given twice, and what becomes of a component is an event.

The mixture knows components by their place. Where a new component comes to a dead one's place, or to one that a merge
has left vacant, it gets the next id, and the order of ids has a new version. A vacant place is listed with the id of
who was there last, so that the order stays as it is.
"""

from collections.abc import Sequence

from streamgmm.engine.values import Event, Live, State
from streamgmm.mixture.weak import Change
from streamgmm.records.columns import frozen


def follow(state: State, live: Live, changes: Sequence[Change]) -> tuple[State, Live, list[Event]]:
    """Name what an M-step has changed, count it, and say so."""
    events = []
    for change in changes:
        if change.parent is None:
            event = _as_it_is(live, change)
        elif change.is_birth:
            state, live, event = _anew(state, live, change, change.parent)
        else:
            event = _merged(live, change, change.parent)
        events.append(event)
        kind, totals = event.type.removeprefix("component_"), state.totals
        counts = {**totals.components, kind: totals.components.get(kind, 0) + 1}
        state = state._replace(totals=totals._replace(components=counts))
    return state, live, events


def _as_it_is(live: Live, change: Change) -> Event:
    known = {"component": int(live.ids[change.component]), "steps": live.mixture.steps}
    if change.kind == "weakened":
        return Event("component_weak", known)
    recovered = change.kind == "recovered"
    return Event("component_recovered" if recovered else "component_died", known)


def _merged(live: Live, change: Change, into: int) -> Event:
    """One component has taken in another."""
    ids = live.ids.tolist()
    return Event(
        "component_merged", {"component": ids[change.component], "into": ids[into], "steps": live.mixture.steps}
    )


def _anew(state: State, live: Live, change: Change, parent: int) -> tuple[State, Live, Event]:
    """A new component in the place of a dead one."""
    ids = live.ids.copy()
    ids[change.component] = state.next_id
    fields = {
        "component": state.next_id,
        "parent": int(live.ids[parent]),
        "replaced": int(live.ids[change.component]),
        "steps": live.mixture.steps,
        "ids": ids.tolist(),
        "ids_version": state.ids_version + 1,
    }
    state = state._replace(next_id=state.next_id + 1, ids_version=state.ids_version + 1)
    split = change.kind == "split"
    event = Event("component_split" if split else "component_born", fields)
    return state, live._replace(ids=frozen(ids)), event
