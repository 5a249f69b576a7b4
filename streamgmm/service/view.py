"""From the committed state to what an observer sees: means in the features' own units, the alarm in a word."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import expit

from streamgmm.drift import monitor
from streamgmm.drift.divergence import population_stability_index
from streamgmm.engine import warm_up
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Array, Event, Live, State, WarmUp
from streamgmm.mixture import weak
from streamgmm.service import snapshot
from streamgmm.service.plain import to_plain
from streamgmm.service.snapshot import ComponentView, DriftView, Phase, Snapshot, StatisticView
from streamgmm.settings import Feature, Settings, Standardise

_UNDO: Mapping[str, Callable[[Array], Array]] = {
    "identity": np.asarray,
    "sqrt": np.square,
    "log": np.exp,
    "log1p": np.expm1,
    "logit": expit,
}


class View:
    """Makes snapshots for one service."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self._settings, self._plan = settings, plan

    def of(self, state: State, log_likelihood: float | None, lag: Mapping[int, int], newest: int | None) -> Snapshot:
        """The snapshot of a committed state."""
        live = state.model if isinstance(state.model, Live) else None
        features = self._features(state.n_features or 0)
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
            drift=_drift(live, self._plan.drift, self._plan.learning.batch_size),
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
        return tuple(
            float(_undo(feature)(value)) for feature, value in zip(self._features(len(vector)), vector, strict=True)
        )

    def _features(self, count: int) -> list[Feature]:
        declared = self._settings.input.features
        return [Feature(name=f"x{i}") for i in range(count)] if isinstance(declared, str) else list(declared)

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


def _components(live: Live, features: list[Feature]) -> tuple[ComponentView, ...]:
    means = live.mixture.parameters.means
    columns = [_undo(feature)(means[:, i]) for i, feature in enumerate(features)]
    rows = np.stack(columns, axis=1) if columns else np.empty((len(means), 0))
    weights = live.mixture.parameters.weights
    return tuple(
        ComponentView(int(component), float(weight), tuple(row.tolist()))
        for component, weight, row in zip(live.ids, weights, rows, strict=True)
    )


def _undo(feature: Feature) -> Callable[[Array], Array]:
    transform = feature.transform
    if isinstance(transform, Standardise):
        return lambda values: values * transform.scale + transform.mean
    return _UNDO[transform]


def _drift(live: Live | None, plan: monitor.Plan | None, batch_size: int) -> DriftView:
    if plan is None:
        return DriftView("off", 0.0, (), None, (), None)
    if live is None or live.drift.frozen is None:
        learnt = 0.0 if live is None else live.mixture.time * batch_size
        return DriftView("settling", min(1.0, learnt / max(plan.settle, 1)), (), None, (), None)
    index = population_stability_index(live.mixture.parameters.weights, live.drift.frozen.weights)
    watched = StatisticView("log_likelihood", abs(live.drift.standardised), plan.limit)
    statistics = (watched,) if live.drift.usual is not None else ()
    progress = monitor.progress(live.drift, plan)
    return DriftView(monitor.name(live.drift), progress, statistics, None, (), index)


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
