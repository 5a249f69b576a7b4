"""The number of series is bounded, whatever the stream does."""

import numpy as np
from prometheus_client.parser import text_string_to_metric_families as parse

from streamgmm.engine.values import State as EngineState
from streamgmm.service.metrics import Metrics
from streamgmm.service.view import View
from tests.engine.streams import plan, record, run, settings, vectors

HOUR = 3600
A_SECOND = 4  # vectors
TURNS = 24  # in the hour: in each another of three clusters is not seen

RESPAWNING = {
    "input": {"topic": "in", "event_time": "t", "event_time_unit": "s"},
    "learning": {
        "batch_size": 40,
        "warm_up": 60,
        "half_life": {"value": 10, "unit": "seconds"},
        "dead_components": "respawn",
    },
}


def series(metrics: Metrics) -> int:
    return sum(len(family.samples) for family in parse(metrics.render()[0].decode()))


def cluster(row: np.ndarray) -> int:
    """Which of the stream's three clusters a vector lies in."""
    return 1 if row[0] > 4 else 2 if row[1] > 4 else 0


def test_births_and_deaths_for_an_hour_of_event_time_add_no_series() -> None:
    the_plan, given = plan(**RESPAWNING), settings(**RESPAWNING)
    metrics, view = Metrics(given.model), View(given, the_plan)
    state: EngineState | None = None
    counts = []
    rows = [(i / A_SECOND, row) for i, row in enumerate(vectors(HOUR * A_SECOND))]
    length, offset = len(rows) // TURNS, 0
    for turn in range(TURNS):
        part = [(at, row) for at, row in rows[turn * length : (turn + 1) * length] if cluster(row) != turn % 3]
        records = [record(offset + i, {"features": row.tolist(), "t": at}) for i, (at, row) in enumerate(part)]
        offset += len(records)
        state, _ = run(the_plan, [records], state)
        metrics.observe(view.of(state, -3.0, {0: 0}, None))
        metrics.committed(0.1, 1000)
        counts.append(series(metrics))
    assert state is not None
    assert state.totals.components["born"] >= TURNS / 4
    assert state.next_id > len(state.model.ids)  # type: ignore[union-attr]  # the model has started
    assert max(counts[4:]) <= counts[3], counts
