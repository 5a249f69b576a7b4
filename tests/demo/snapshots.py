"""Snapshots for the tests of what draws them."""

from streamgmm.service.snapshot import ComponentView, DriftState, DriftView, Snapshot, StatisticView, Totals

FEATURES = ("APM", "ActionLatency", "GapBetweenPACs", "NumberOfPACs", "ActionsInPAC", "TotalMapExplored")
UNITS = ("/min", "s", "s", "/min", "", "cells")
MEANS = (
    (154.7, 0.56, 0.34, 21.4, 5.37, 23.2),
    (72.4, 0.85, 0.5, 14.0, 4.76, 17.5),
    (122.8, 0.75, 0.42, 14.0, 5.93, 15.9),
    (106.0, 0.67, 0.43, 19.1, 4.97, 24.4),
)


def running(
    records: int = 0,
    drift: DriftState = "none",
    weights: tuple[float, ...] = (0.25, 0.43, 0.09, 0.23),
    log_likelihood: float | None = -5.4,
) -> Snapshot:
    """A learner at work."""
    return Snapshot(
        phase="running",
        detail="learning",
        model="players",
        features=FEATURES,
        units=UNITS,
        components=tuple(ComponentView(i, weight, MEANS[i % 4]) for i, weight in enumerate(weights)),
        steps=120,
        step_size=0.05,
        repairs=0,
        log_likelihood=log_likelihood,
        warm_up=(2000, 2000),
        drift=DriftView(
            drift,
            1.0,
            (StatisticView("log_likelihood", 5.1 if drift == "alarm" else 0.4, 3.7),),
            "fewer players of C0" if drift == "alarm" else None,
            (),
            0.01,
        ),
        totals=Totals(records, records, {"transform_domain": 3}, records, 0),
        positions={0: records},
        lag={0: 0},
        last_timestamp=0,
    )
