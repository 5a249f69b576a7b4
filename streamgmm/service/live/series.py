"""The frames' course in time, as columns: what a page that opens draws its curves from."""

from collections.abc import Sequence
from typing import Any

from streamgmm.service.live.frame import Frame
from streamgmm.service.snapshot import StatisticView

MOST = 400  # places in time


def row(frame: Frame) -> dict[str, Any]:
    """One place in time."""
    snapshot = frame.snapshot
    return {
        "number": frame.number,
        "time": round(frame.time, 3),
        "log_likelihood": snapshot.log_likelihood,
        "rate": frame.flow.rate,
        "latency": frame.flow.latency_mean,
        "lag": sum(snapshot.lag.values()) if snapshot.lag else None,
        "statistics": {one.name: one.value for one in snapshot.drift.statistics},
        "shares": {one.name: _share(one) for one in snapshot.drift.statistics},
        "weights": {str(c.id): round(c.weight, 4) for c in snapshot.components},
    }


def _share(one: StatisticView) -> float | None:
    """Of the limit that was its own then: another reference brings another."""
    return round(one.value / one.limit, 4) if one.limit else None


def rows(frames: Sequence[Frame]) -> list[dict[str, Any]]:
    """The frames' rows, evenly thinned to `MOST`; the newest is always there."""
    step = max(1, -(-len(frames) // MOST))
    return [row(frame) for frame in frames[(len(frames) - 1) % step :: step]]
