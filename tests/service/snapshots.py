"""Snapshots for the tests of what observers see."""

from typing import Any

from streamgmm.drift.apart import Comparison
from streamgmm.drift.reference import Reference
from streamgmm.service.snapshot import (
    ComponentView,
    DiagnosisView,
    DriftView,
    Snapshot,
    StatisticView,
    Totals,
    TransformView,
)
from tests.drift.models import FULL, IDS, parameters

NO_DRIFT = DriftView(
    state="none",
    progress=1.0,
    statistics=(StatisticView("log_likelihood", 0.5, 3.2, 2.7),),
    sentence=None,
    moved=(),
    population_stability_index=0.01,
    diagnosis=DiagnosisView(0.002, 1.9, 2.0, 0.001, 0.4, 0.3, (TransformView("latency", 0.03),)),
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
        comparison=Comparison((parameters(), IDS), Reference(parameters(), IDS, 1, 3, 1000.0), FULL),
    )
    return running._replace(**changes)
