"""Every metric, declared once: the service registers what stands here, and the README's table is held against it."""

from collections.abc import Iterable
from typing import get_args

from streamgmm.service.metric import Metric, Sample, one
from streamgmm.service.metrics_drift import DRIFT
from streamgmm.service.metrics_model import MODEL
from streamgmm.service.snapshot import Phase, Snapshot

CHANGES = ("born", "died", "merged", "recovered", "split", "weak")  # of components
LAG_MEASUREMENTS = 600  # of the event loop: a minute at ten a second

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LAG = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


def _dead_lettered(snapshot: Snapshot) -> Iterable[Sample]:
    return (((reason,), count) for reason, count in snapshot.totals.rejected.items())


def _changes(snapshot: Snapshot) -> Iterable[Sample]:
    return (((change,), count) for change, count in snapshot.totals.components.items())


def _lag(snapshot: Snapshot) -> Iterable[Sample]:
    return (((str(partition),), records) for partition, records in snapshot.lag.items())


def _phases(snapshot: Snapshot) -> Iterable[Sample]:
    return (((phase,), phase == snapshot.phase) for phase in get_args(Phase))


def _warm_up(snapshot: Snapshot) -> Iterable[Sample]:
    buffered, needed = snapshot.warm_up
    return one(min(1.0, buffered / needed) if needed else None)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


METRICS: tuple[Metric, ...] = (
    Metric(
        "streamgmm_records_consumed_total",
        "counter",
        "Input records whose outcome this process committed.",
        read=lambda s: one(s.totals.records),
    ),
    Metric(
        "streamgmm_records_published_total",
        "counter",
        "Assignments this process committed to the output topic.",
        read=lambda s: one(s.totals.published),
    ),
    Metric(
        "streamgmm_records_dead_lettered_total",
        "counter",
        "Records this process committed to the dead-letter topic, by reason.",
        labels=("reason",),
        read=_dead_lettered,
    ),
    Metric(
        "streamgmm_records_skipped_total",
        "counter",
        "Input offsets that could not be read and were left out, by the policies `skip`.",
        read=lambda s: one(s.totals.skipped),
    ),
    Metric(
        "streamgmm_vectors_learnt_total",
        "counter",
        "Vectors this process has learnt and committed.",
        read=lambda s: one(s.totals.vectors),
    ),
    Metric(
        "streamgmm_maximisation_steps_total",
        "counter",
        "M-steps this process has made and committed.",
        read=lambda s: one(s.steps),
    ),
    Metric(
        "streamgmm_covariance_repairs_total",
        "counter",
        "Covariances that were not positive definite and had to be repaired, as a wild vector may cause.",
        read=lambda s: one(s.repairs),
    ),
    Metric(
        "streamgmm_vectors_incomplete_total",
        "counter",
        "Vectors with missing features that this process has learnt and committed.",
        read=lambda s: one(s.totals.incomplete),
    ),
    Metric(
        "streamgmm_component_changes_total",
        "counter",
        "What became of components in this process: born, died, merged, recovered, split, weak.",
        labels=("change",),
        read=_changes,
    ),
    Metric("streamgmm_commits_total", "counter", "Transactions committed."),
    Metric("streamgmm_aborts_total", "counter", "Transactions that failed; the learner went back to its checkpoint."),
    Metric(
        "streamgmm_commit_duration_seconds",
        "histogram",
        "Time from the begin of a transaction to its commit.",
        unit="seconds",
        buckets=_FAST,
    ),
    Metric(
        "streamgmm_compute_duration_seconds",
        "histogram",
        "Time a round spends in the engine: decoding, E-step, M-steps, encoding.",
        unit="seconds",
        buckets=_FAST,
    ),
    Metric(
        "streamgmm_end_to_end_seconds",
        "histogram",
        "From a record's timestamp to its commit: the mean of each transaction's records.",
        unit="seconds",
        buckets=_SLOW,
    ),
    Metric(
        "streamgmm_end_to_end_newest_seconds",
        "histogram",
        "From a record's timestamp to its commit: the newest record of each transaction.",
        unit="seconds",
        buckets=_SLOW,
    ),
    Metric(
        "streamgmm_lag_records",
        "gauge",
        "Records of the input that are not yet learnt, by partition.",
        labels=("partition",),
        unit="records",
        read=_lag,
    ),
    Metric(
        "streamgmm_last_processed_timestamp_seconds",
        "gauge",
        "Timestamp of the newest record learnt, in seconds since the epoch.",
        unit="seconds",
        read=lambda s: one(_seconds(s.last_timestamp)),
    ),
    Metric("streamgmm_checkpoint_size_bytes", "gauge", "Size of the last whole checkpoint.", unit="bytes"),
    Metric(
        "streamgmm_checkpoint_timestamp_seconds",
        "gauge",
        "When the last whole checkpoint was committed, in seconds since the epoch.",
        unit="seconds",
    ),
    Metric(
        "streamgmm_restore_duration_seconds",
        "gauge",
        "How long the last restore from the checkpoint took.",
        unit="seconds",
    ),
    Metric(
        "streamgmm_event_loop_lag_seconds",
        "histogram",
        "How late the event loop comes to a task that is due, measured ten times a second.",
        unit="seconds",
        buckets=_LAG,
    ),
    Metric(
        "streamgmm_event_loop_lag_max_seconds",
        "gauge",
        f"The largest of the last {LAG_MEASUREMENTS} measurements of the event loop's lag (a minute's).",
        unit="seconds",
    ),
    Metric(
        "streamgmm_kafka_fast_path",
        "gauge",
        "1 while records go to and from Kafka as whole batches, 0 while they go one by one; no series without Kafka.",
    ),
    Metric(
        "streamgmm_build_info",
        "gauge",
        "Always 1; the version that runs.",
        labels=("version",),
    ),
    Metric(
        "streamgmm_model_info",
        "gauge",
        "Always 1; the shape of the model.",
        labels=("components", "features", "covariance_type"),
    ),
    *MODEL,
    *DRIFT,
    Metric(
        "streamgmm_warm_up_ratio",
        "gauge",
        "Vectors buffered for the model's start, as a share of those needed.",
        unit="ratio",
        read=_warm_up,
    ),
    Metric(
        "streamgmm_ready",
        "gauge",
        "1 when the learner runs, as /readyz says it; 0 otherwise.",
        read=lambda s: one(s.phase == "running"),
    ),
    Metric(
        "streamgmm_model_frozen",
        "gauge",
        "1 while the model is frozen (learning.frozen): it assigns and watches, and learns nothing; 0 otherwise.",
        read=lambda s: one(s.frozen),
    ),
    Metric(
        "streamgmm_phase",
        "gauge",
        "1 for the phase the learner is in, 0 for the others.",
        labels=("phase",),
        read=_phases,
    ),
)
