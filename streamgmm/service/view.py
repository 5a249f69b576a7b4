"""From the committed state to what an observer sees: means in the features' own units, the alarm in a word."""

from collections.abc import Mapping, Sequence

import numpy as np

from streamgmm.drift import divergence, monitor, transform
from streamgmm.drift.apart import Comparison
from streamgmm.drift.reference import Reference
from streamgmm.engine import warm_up, watching
from streamgmm.engine.features import features as named
from streamgmm.engine.features import undo
from streamgmm.engine.plan import Plan
from streamgmm.engine.settling import settled
from streamgmm.engine.values import Array, Event, Live, State, WarmUp
from streamgmm.mixture import weak
from streamgmm.mixture.vacancy import vacant
from streamgmm.service import snapshot
from streamgmm.service.plain import to_plain
from streamgmm.service.snapshot import (
    ComponentView,
    DiagnosisView,
    DriftView,
    MovedView,
    Phase,
    Snapshot,
    StatisticView,
    TransformView,
)
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
            drift=_drift(live, self._plan, features),
            totals=snapshot.Totals(**state.totals._asdict()),
            positions=state.positions,
            lag=lag,
            last_timestamp=newest,
            effective_sample_size=live.mixture.effective_sample_size if live else None,
            weak=weak.count(live.mixture.statistics, live.mixture.effective_sample_size) if live else None,
            background=live.mixture.background if live and self._plan.learning.background else None,
            frozen=self._plan.frozen,
            comparison=_comparison(live, self._plan),
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
        return "running", "assigning; the model is frozen" if self._plan.frozen else "assigning and learning"


def empty(settings: Settings) -> Snapshot:
    """Before anything is known."""
    off = DriftView("off", 0.0, (), None, (), None)
    none = snapshot.Totals(0, 0, {}, 0, 0)
    name = settings.model.name
    seen = Snapshot("starting", "starting", name, (), (), (), 0, None, 0, None, (0, 0), off, none, {}, {}, None)
    return seen._replace(frozen=settings.learning.frozen)


def _components(live: Live, features: Sequence[Feature]) -> tuple[ComponentView, ...]:
    means = live.mixture.parameters.means
    columns = [undo(feature)(means[:, i]) for i, feature in enumerate(features)]
    rows = np.stack(columns, axis=1) if columns else np.empty((len(means), 0))
    weights = live.mixture.parameters.weights
    there = ~vacant(weights)  # who was merged away is seen no more
    return tuple(
        ComponentView(int(component), float(weight), tuple(row.tolist()))
        for component, weight, row in zip(live.ids[there], weights[there], rows[there], strict=True)
    )


def _comparison(live: Live | None, plan: Plan) -> Comparison | None:
    if live is None or live.drift.reference is None:
        return None
    return Comparison((live.mixture.parameters, live.ids), live.drift.reference, plan.learning.covariance)


def _drift(live: Live | None, plan: Plan, features: Sequence[Feature]) -> DriftView:
    if plan.drift is None:
        return DriftView("off", 0.0, (), None, (), None)
    if live is None or live.drift.reference is None:
        return DriftView("settling", 0.0 if live is None else settled(plan, live), (), None, (), None)
    drift, reference = live.drift, live.drift.reference
    weights = _weights(live, reference)
    index, beside = divergence.population_stability_index(*weights), _diagnosis(live, weights, features)
    state, progress = monitor.name(drift), monitor.progress(drift, plan.drift)
    if drift.watch is None:
        left = round((1 - progress) * plan.drift.reference_size)
        wait = f"The reference is complete after {left:,} more vectors"
        return DriftView(state, progress, (), wait, (), index, beside)
    said = watching.described(plan, reference, drift.watch)
    statistics = tuple(StatisticView(*one) for one in said.statistics)
    moved = tuple(MovedView(*one) for one in said.moved)
    return DriftView(state, progress, statistics, said.sentence, moved, index, beside)


def _weights(live: Live, reference: Reference) -> tuple[Array, Array]:
    """Of the model and of the reference, component by component."""
    return divergence.aligned(live.mixture.parameters.weights, live.ids, reference.parameters.weights, reference.ids)


def _diagnosis(live: Live, weights: tuple[Array, Array], features: Sequence[Feature]) -> DiagnosisView:
    now, before = (divergence.effective_number(side) for side in weights)
    view = DiagnosisView(divergence.jensen_shannon(*weights), now, before, None, None, None)
    beside = live.drift.diagnosis
    if beside is None or beside.now is None:
        return view
    return view._replace(
        outlier_rate=beside.outliers,
        assignment_entropy=beside.now.entropy,
        assignment_entropy_before=beside.usual.entropy,
        transforms=_transforms(transform.distances(beside.now.shares, beside.usual.shares), features),
    )


def _transforms(distances: Array, features: Sequence[Feature]) -> tuple[TransformView, ...]:
    furthest = np.argsort(-distances, kind="stable")[: transform.MOST].tolist()
    return tuple(TransformView(features[i].name, float(distances[i])) for i in furthest)


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
