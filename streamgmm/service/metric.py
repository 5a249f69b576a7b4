"""What a metric is: its name as Prometheus shows it, its labels, and how it is read from what an observer sees.

Names follow Prometheus's rules: the prefix `streamgmm_`, base units as the suffix, `_total` for counters. Every series
carries the label `model` besides those named. A metric with `read` takes its samples from the Snapshot; the others are
told by the learner. A sample that is None or not finite is left out, so that an undefined value has no series.
"""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from streamgmm.service.snapshot import Snapshot

Labels = tuple[str, ...]
Sample = tuple[Labels, float | None]


class Metric(NamedTuple):
    """One metric as Prometheus shows it; `labels` are those besides `model`."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    read: Callable[[Snapshot], Iterable[Sample]] | None = None
    buckets: tuple[float, ...] = ()


def one(value: float | None) -> tuple[Sample]:
    """The single sample of a metric without further labels."""
    return (((), value),)
