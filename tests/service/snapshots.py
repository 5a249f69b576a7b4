"""Snapshots for the tests of what observers see."""

from typing import Any

from streamgmm.service.snapshot import ComponentView, DriftView, Snapshot, StatisticView, Totals

NO_DRIFT = DriftView(
    state="none",
    progress=1.0,
    statistics=(StatisticView("log_likelihood", 0.5, 3.2),),
    sentence=None,
    moved=(),
    population_stability_index=0.01,
)


def snapshot(**changes: Any) -> Snapshot:
    """A learner that runs, with `changes`."""
    running = Snapshot(
        phase="running",
        detail="learning",
        model="players",
        features=("APM", "latency"),
        units=("actions/min", "ms"),
        components=(ComponentView(0, 0.25, (80.0, 60.0)), ComponentView(3, 0.75, (150.0, 40.0))),
        steps=7,
        step_size=0.125,
        repairs=0,
        log_likelihood=-4.5,
        warm_up=(450, 450),
        drift=NO_DRIFT,
        totals=Totals(records=1000, published=990, rejected={"undecodable": 10}, vectors=990, skipped=0),
        positions={0: 600, 1: 400},
        lag={0: 5, 1: 0},
        last_timestamp=1_700_000_000_500,
        effective_sample_size=812.5,
        weak=1,
        background=0.01,
    )
    return running._replace(**changes)
