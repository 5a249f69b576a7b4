"""From the committed state to what an observer sees: means in the features' own units, the alarm in a word."""

from collections.abc import Mapping, Sequence

import numpy as np

from streamgmm.drift import monitor
from streamgmm.drift.divergence import population_stability_index
from streamgmm.engine import warm_up, watching
from streamgmm.engine.features import features as named
from streamgmm.engine.features import undo
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Array, Event, Live, State, WarmUp
from streamgmm.mixture import weak
from streamgmm.service import snapshot
from streamgmm.service.plain import to_plain
from streamgmm.service.snapshot import ComponentView, DriftView, MovedView, Phase, Snapshot, StatisticView
from streamgmm.settings import Feature, Settings


class View:
    """Makes snapshots for one service."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self._settings, self._plan = settings, plan

    def of(self, state: State, log_likelihood: float | None, lag: Mapping[int, int], newest: int | None) -> Snapshot:
        """The snapshot of a committed state."""
        live = state.model if isinstance(state.model, Live) else None
        features = named(self._settings, state.n_features or 0)
        phase, detail = self._phase(state)
        return Snapshot(
            phase=phase,
            detail=detail,
            model=self._settings.model.name,
            features=tuple(feature.name for feature in features),
            units=tuple(feature.unit for feature in features),
            components=_components(live, features) if live else (),
            steps=live.mixture.steps if live else 0,
            step_size=live.step_size or None if live else None,
            repairs=live.mixture.repairs if live else 0,
            log_likelihood=log_likelihood,
            warm_up=self._warm_up(state),
            drift=_drift(live, self._plan),
            totals=snapshot.Totals(**state.totals._asdict()),
            positions=state.positions,
            lag=lag,
            last_timestamp=newest,
            effective_sample_size=live.mixture.effective_sample_size if live else None,
            weak=weak.count(live.mixture.statistics, live.mixture.effective_sample_size) if live else None,
            background=live.mixture.background if live and self._plan.learning.background else None,
        )

    def in_own_units(self, vector: Array) -> tuple[float, ...]:
        """A vector of the model (d,) with its transforms undone."""
        known = named(self._settings, len(vector))
        return tuple(float(undo(feature)(value)) for feature, value in zip(known, vector, strict=True))

    def _warm_up(self, state: State) -> tuple[int, int]:
        needed = warm_up.needed(self._plan, state.n_features)
        return (state.model.n_vectors if isinstance(state.model, WarmUp) else needed, needed)

    def _phase(self, state: State) -> tuple[Phase, str]:
        have, needed = self._warm_up(state)
        if isinstance(state.model, WarmUp):
            return "warming_up", f"warming up: {have} of {needed} vectors"
        return "running", "assigning and learning"


def empty(settings: Settings) -> Snapshot:
    """Before anything is known."""
    off = DriftView("off", 0.0, (), None, (), None)
    none = snapshot.Totals(0, 0, {}, 0, 0)
    name = settings.model.name
    return Snapshot("starting", "starting", name, (), (), (), 0, None, 0, None, (0, 0), off, none, {}, {}, None)


def _components(live: Live, features: Sequence[Feature]) -> tuple[ComponentView, ...]:
    means = live.mixture.parameters.means
    columns = [undo(feature)(means[:, i]) for i, feature in enumerate(features)]
    rows = np.stack(columns, axis=1) if columns else np.empty((len(means), 0))
    weights = live.mixture.parameters.weights
    return tuple(
        ComponentView(int(component), float(weight), tuple(row.tolist()))
        for component, weight, row in zip(live.ids, weights, rows, strict=True)
    )


def _drift(live: Live | None, plan: Plan) -> DriftView:
    if plan.drift is None:
        return DriftView("off", 0.0, (), None, (), None)
    if live is None or live.drift.reference is None:
        learnt = 0.0 if live is None else live.mixture.time * plan.learning.batch_size
        settle = plan.drift.settle
        progress = 0.0 if settle is None else min(1.0, learnt / max(settle, 1))
        return DriftView("settling", progress, (), None, (), None)
    drift, reference = live.drift, live.drift.reference
    index = population_stability_index(live.mixture.parameters.weights, reference.parameters.weights)
    state, progress = monitor.name(drift), monitor.progress(drift, plan.drift)
    if drift.watch is None:
        left = round((1 - progress) * plan.drift.reference_size)
        return DriftView(state, progress, (), f"the reference is complete after {left:,} more vectors", (), index)
    said = watching.described(plan, reference, drift.watch)
    statistics = tuple(StatisticView(*one) for one in said.statistics)
    moved = tuple(MovedView(*one) for one in said.moved)
    return DriftView(state, progress, statistics, said.sentence, moved, index)


def summary(seen: Snapshot, records_per_second: float) -> Event:
    """The event that says every minute how things stand."""
    return Event(
        "summary",
        {
            "weights": {str(component.id): component.weight for component in seen.components},
            "log_likelihood": seen.log_likelihood,
            "steps": seen.steps,
            "drift": to_plain(seen.drift),
            "totals": seen.totals._asdict(),
            "records_per_second": records_per_second,
        },
    )
