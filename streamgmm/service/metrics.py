"""What Prometheus is told: a collector of its own per service, so that two services in one process do not meet.

Nothing is kept per series. What the Snapshot says is read from it at each scrape, so the series of a component that
died is gone with it; what the learner tells (`committed`, `aborted`, ...) is kept as numbers and bucket counts.
The Snapshot's totals count since the model began; counters count since the process started, as Prometheus expects, so
they grow by the differences between one snapshot and the next.
"""

import math
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any, NamedTuple, Self

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

import streamgmm
from streamgmm.engine.assign import TOO_LARGE
from streamgmm.records.columns import Int64
from streamgmm.records.decoded import REASONS
from streamgmm.service.metric import Labels, Metric, Sample
from streamgmm.service.metrics_table import CHANGES, LAG_MEASUREMENTS, METRICS
from streamgmm.service.snapshot import Snapshot
from streamgmm.settings import Model

__all__ = ["METRICS", "EndToEnd", "Metrics"]

_FAMILIES: dict[str, Callable[..., Any]] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
}
_COUNTED = tuple(metric for metric in METRICS if metric.type == "counter" and metric.read)


class EndToEnd(NamedTuple):
    """Seconds from a record's timestamp to its commit, over the records of one transaction."""

    mean: float
    newest: float

    @classmethod
    def of(cls, timestamps: Iterable[Int64], now: float) -> Self | None:
        """From arrays of timestamps (ms) and the time of the commit (s); None where all of them are empty."""
        filled = [array for array in timestamps if array.size]
        if not filled:
            return None
        total, count = sum(float(array.sum(dtype=float)) for array in filled), sum(array.size for array in filled)
        return cls(now - total / count / 1000, now - max(int(array.max()) for array in filled) / 1000)


class Metrics(Collector):
    """The metrics of one service. All methods are called on the event loop's thread.

    `clock` gives the seconds since the epoch.
    """

    def __init__(self, model: Model, clock: Callable[[], float] = time.time) -> None:
        self._model, self._clock = model, clock
        self._snapshot: Snapshot | None = None
        self._told: dict[str, dict[Labels, float]] = {metric.name: {} for metric in METRICS}
        self._histograms = {metric.name: _Histogram(metric.buckets) for metric in METRICS if metric.buckets}
        self._lags: deque[float] = deque(maxlen=LAG_MEASUREMENTS)
        for metric in METRICS:
            if metric.type == "counter" and not metric.labels:
                self._told[metric.name][()] = 0
        self._told["streamgmm_records_dead_lettered_total"] = {(reason,): 0 for reason in (*REASONS, TOO_LARGE)}
        self._told["streamgmm_component_changes_total"] = {(change,): 0 for change in CHANGES}
        self._told["streamgmm_build_info"][(streamgmm.__version__,)] = 1
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def observe(self, snapshot: Snapshot) -> None:
        """Show this snapshot from now on; counters grow by what it has more than the one before."""
        before, self._snapshot = self._snapshot or snapshot, snapshot
        if not _nothing_restored(before):
            self._count(before, snapshot)
        if snapshot.components:
            shape = (str(len(snapshot.components)), str(len(snapshot.features)), self._model.covariance_type)
            self._told["streamgmm_model_info"] = {shape: 1}

    def committed(self, seconds: float, checkpoint_bytes: int | None, end_to_end: EndToEnd | None = None) -> None:
        """A transaction was committed, `seconds` after it began; None: it held no whole checkpoint, no records."""
        self._told["streamgmm_commits_total"][()] += 1
        if checkpoint_bytes is not None:
            self._told["streamgmm_checkpoint_size_bytes"][()] = checkpoint_bytes
            self._told["streamgmm_checkpoint_timestamp_seconds"][()] = self._clock()
        self._histograms["streamgmm_commit_duration_seconds"].observe(seconds)
        if end_to_end is not None:
            self._histograms["streamgmm_end_to_end_seconds"].observe(end_to_end.mean)
            self._histograms["streamgmm_end_to_end_newest_seconds"].observe(end_to_end.newest)

    def aborted(self) -> None:
        """A transaction failed."""
        self._told["streamgmm_aborts_total"][()] += 1

    def computed(self, seconds: float) -> None:
        """A round's computation took this long."""
        self._histograms["streamgmm_compute_duration_seconds"].observe(seconds)

    def restored(self, seconds: float) -> None:
        """The state was read back from its checkpoint in this time."""
        self._told["streamgmm_restore_duration_seconds"][()] = seconds

    def connected(self, *, fast_path: bool | None) -> None:
        """The broker was opened; whether Kafka's records travel as whole batches, None for another broker."""
        if fast_path is not None:
            self._told["streamgmm_kafka_fast_path"][()] = float(fast_path)

    def loop_lag(self, seconds: float) -> None:
        """The event loop came this late to a task that was due."""
        self._lags.append(seconds)
        self._told["streamgmm_event_loop_lag_max_seconds"][()] = max(self._lags)
        self._histograms["streamgmm_event_loop_lag_seconds"].observe(seconds)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics and their content type, in the format that the `Accept` header asks for."""
        try:
            encoder, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # prometheus_client's answer to a version that is no version
            encoder, content_type = choose_encoder("")
        return encoder(self._registry), content_type

    def _count(self, before: Snapshot, after: Snapshot) -> None:
        for metric in _COUNTED:
            counted, totals = self._told[metric.name], dict(_samples(metric, before))
            for labels, total in _samples(metric, after):
                counted[labels] = counted.get(labels, 0) + max(0, total - totals.get(labels, 0))

    def collect(self) -> Iterator[Family]:
        """Every metric with its series, as prometheus_client's registry asks for them."""
        for metric in METRICS:
            family = _FAMILIES[metric.type](
                metric.name, metric.help, labels=("model", *metric.labels), unit=metric.unit
            )
            for labels, *value in self._values(metric):
                family.add_metric((self._model.name, *labels), *value)
            yield family

    def _values(self, metric: Metric) -> Iterable[tuple[Any, ...]]:
        """Labels and value of each series; of a histogram labels, buckets and sum."""
        if metric.type == "histogram":
            return [((), *self._histograms[metric.name].cumulative())]
        if metric.type == "gauge" and metric.read:
            return _samples(metric, self._snapshot) if self._snapshot else ()
        return self._told[metric.name].items()


class _Histogram:
    """Counts by bucket and a sum, without the `_created` series that prometheus_client's own adds."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds, self._counts, self._sum = bounds, [0] * (len(bounds) + 1), 0.0

    def observe(self, value: float) -> None:
        """Count a value; below zero (clocks that differ) it counts as zero, and NaN not at all."""
        if not math.isnan(value):
            self._counts[bisect_left(self._bounds, value)] += 1
            self._sum += max(0.0, value)

    def cumulative(self) -> tuple[list[tuple[str, float]], float]:
        """Upper bounds with the counts at or below them, and the sum."""
        bounds = (*map(str, self._bounds), "+Inf")
        return list(zip(bounds, accumulate(self._counts), strict=True)), self._sum


def _samples(metric: Metric, snapshot: Snapshot) -> Iterator[tuple[Labels, float]]:
    samples: Iterable[Sample] = metric.read(snapshot) if metric.read else ()
    return ((labels, value) for labels, value in samples if value is not None and math.isfinite(value))


def _nothing_restored(snapshot: Snapshot) -> bool:
    """Whether the totals are zero because no checkpoint was read yet."""
    return snapshot.phase not in {"warming_up", "running"} and snapshot.totals.records == 0
