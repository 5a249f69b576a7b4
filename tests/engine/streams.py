"""Streams of records for the engine's tests, and ways to cut and compare them."""

from collections.abc import Iterable, Sequence

import msgpack
import numpy as np

from streamgmm.engine import plan as plans
from streamgmm.engine import step as engine
from streamgmm.engine.values import Report, State, combined
from streamgmm.records.columns import Record, RecordColumns, of_records, records_of
from streamgmm.settings import Settings

D, K = 2, 3


def settings(**sections) -> Settings:
    given = {
        "input": {"topic": "in"},
        "model": {"n_components": K},
        "learning": {"batch_size": 40, "warm_up": 60},
        "drift": {"settle": 200, "reference_size": 200, "window": 20, "expected_run_length": 20_000},
    }
    return Settings.model_validate(
        {name: {**given.get(name, {}), **sections.get(name, {})} for name in given | sections}
    )


def plan(**sections) -> plans.Plan:
    return plans.plan(settings(**sections), largest_record=1_000_000)


def vectors(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    return centres[rng.integers(K, size=n)] + rng.standard_normal((n, D))


def record(offset: int, value: object, **fields) -> Record:
    packed = value if isinstance(value, bytes) or value is None else msgpack.packb(value)
    return Record(offset, 1_000 + offset, f"key {offset}".encode(), packed, (("trace", b"%d" % offset),), **fields)


def stream(n: int, seed: int = 0) -> list[Record]:
    """One vector a record, now and then several, garbage, or nothing."""
    rng, rows, records = np.random.default_rng(seed), iter(vectors(8 * n, seed).tolist()), []
    for offset in range(n):
        kind = rng.integers(20)
        value = {0: b"\xc1", 1: None, 2: [next(rows) for _ in range(5)], 3: {"features": next(rows), "id": 7}}.get(kind)
        records.append(record(offset, next(rows) if kind > 3 else value))
    return records


def columns(records: Sequence[Record]) -> RecordColumns:
    return of_records(records, records[-1].offset + 1)


def run(the_plan: plans.Plan, parts: Iterable[Sequence[Record]], state: State | None = None) -> tuple[State, Report]:
    """Steps over the parts of partition 0's records."""
    state, reports = state or engine.init({0: 0}, None), []
    for part in parts:
        if part:
            state, report = engine.step(the_plan, state, {0: columns(part)})
            reports.append(report)
    return state, combined(reports)


def published(report: Report) -> list[Record]:
    return [record for out in report.assignments for record in records_of(out.columns)]


def set_aside(report: Report) -> list[Record]:
    return [record for out in report.dead_letters for record in records_of(out.columns)]


def rich_stream(n: int, seed: int = 0) -> list[Record]:
    """Weights, event times out of order, missing features, several vectors a record, vectors of weight 0, garbage."""
    rng, rows, records = np.random.default_rng(seed), iter(vectors(4 * n, seed)), []
    for offset in range(n):
        count = int(rng.choice([1, 1, 1, 3]))
        matrix = np.stack([next(rows) for _ in range(count)])
        matrix[rng.random(matrix.shape) < 0.2] = np.nan
        moved = matrix + (4.0 if offset > 2 * n // 3 else 0.0)
        value = {
            "features": [[None if np.isnan(x) else x for x in row] for row in moved.tolist()],
            "w": float(rng.choice([0, 0.5, 1, 1, 3])),
            "t": 1_700_000_000_000 + 250 * offset + int(rng.integers(-2000, 2000)),
        }
        records.append(record(offset, b"\xc1" if rng.integers(30) == 0 else value))
    return records


RICH = {
    "input": {"topic": "in", "weight": "w", "event_time": "t", "event_time_unit": "ms"},
    "learning": {
        "batch_size": 40,
        "warm_up": 60,
        "half_life": {"value": 20, "unit": "seconds"},
        "max_gap": 60,
        "averaging": True,
        "averaged_scoring": True,
        "dead_components": "respawn",
        "merge": 0.8,
        "split": True,
    },
    "model": {"n_components": K, "n_features": D, "background": {"low": [-50, -50], "high": [50, 50]}},
}
