"""The number of series is bounded, whatever the stream does."""

from collections.abc import Iterator

import numpy as np
from prometheus_client.parser import text_string_to_metric_families as parse

from streamgmm.engine.values import State as EngineState
from streamgmm.records.columns import Record
from streamgmm.service.metrics import Metrics
from streamgmm.service.view import View
from tests.engine.streams import K, plan, record, run, settings

HOUR = 3600  # seconds of event time, each with one record
CYCLE = 900
A_SECOND = 50  # vectors
SETTLED = 10  # minutes after which every kind of series has been there
SHARES = [0.25, 0.25, 0.5]

TURBULENT = {
    "input": {"topic": "in", "event_time": "t", "event_time_unit": "s"},
    "learning": {
        "batch_size": A_SECOND,
        "warm_up": 400,
        "half_life": {"value": 20, "unit": "seconds"},
        "dead_components": "respawn",
        "merge": 0.8,
        "split": True,
    },
}


def changing(second: int, generator: np.random.Generator) -> np.ndarray:
    """A second's vectors. In each cycle two of three clusters become one, the third becomes two, and one goes away."""
    phase, within = divmod(second % CYCLE, CYCLE // 3)
    fused, apart = (min(1.0, within / 50) if phase == 0 else 1.0 - (phase == 2)), 6.0 * (phase == 1)
    which = generator.choice(3, size=A_SECOND, p=SHARES if phase < 2 else [0.5, 0.5, 0.0])
    rows = np.array([[0.0, 0.0], [8.0 * (1 - fused), 0.0], [0.0, 12.0]])[which]
    rows[:, 0] += apart * ((which == 2) & (generator.random(A_SECOND) < 0.5))
    return rows + generator.normal(size=rows.shape)


def minutes() -> Iterator[list[Record]]:
    generator = np.random.default_rng(4)
    for minute in range(HOUR // 60):
        seconds = range(60 * minute, 60 * minute + 60)
        yield [record(at, {"features": changing(at, generator).tolist(), "t": at}) for at in seconds]


def exported(metrics: Metrics) -> tuple[set[str], set[tuple[str, ...]]]:
    """The components that have series, and each series without its component."""
    samples = [sample for family in parse(metrics.render()[0].decode()) for sample in family.samples]
    components = {sample.labels["component"] for sample in samples if "component" in sample.labels}
    others = [
        (one.name, *sorted(f"{label} {value}" for label, value in one.labels.items() if label != "component"))
        for one in samples
    ]
    return components, set(others)


def test_births_deaths_merges_and_splits_for_an_hour_of_event_time_add_no_series() -> None:
    the_plan, given = plan(**TURBULENT), settings(**TURBULENT)
    metrics, view = Metrics(given.model), View(given, the_plan)
    state: EngineState | None = None
    known: set[tuple[str, ...]] = set()
    for minute, records in enumerate(minutes()):
        state, _ = run(the_plan, [records], state)
        metrics.observe(view.of(state, -3.0, {0: 0}, None))
        metrics.committed(0.1, 1000)
        components, others = exported(metrics)
        assert len(components) <= K
        assert minute < SETTLED or others <= known, others - known
        known |= others
    assert state is not None
    assert all(state.totals.components[change] >= 2 for change in ("born", "died", "merged", "split"))
    assert state.next_id >= 2 * K
