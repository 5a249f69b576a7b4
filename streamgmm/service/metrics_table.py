"""Every metric, declared once: the service registers what stands here, and the README's table is held against it.

Names follow Prometheus's rules: the prefix `streamgmm_`, base units as the suffix, `_total` for counters. Every series
carries the label `model` besides those named here. A metric with `read` takes its samples from the Snapshot; the others
are told by the learner. A sample that is None or not finite is left out, so that an undefined value has no series.
"""

from collections.abc import Callable, Iterable
from heapq import nlargest
from typing import Literal, NamedTuple, get_args

from streamgmm.drift import apart, transform
from streamgmm.service.snapshot import DriftState, Phase, Snapshot

Labels = tuple[str, ...]
Sample = tuple[Labels, float | None]

CHANGES = ("born", "died", "merged", "recovered", "split", "weak")  # of components
LARGEST_COMPONENTS = apart.MOST  # series of a component's metric, at most
LAG_MEASUREMENTS = 600  # of the event loop: a minute at ten a second

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LAG = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)


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


def _dead_lettered(snapshot: Snapshot) -> Iterable[Sample]:
    return (((reason,), count) for reason, count in snapshot.totals.rejected.items())


def _changes(snapshot: Snapshot) -> Iterable[Sample]:
    return (((change,), count) for change, count in snapshot.totals.components.items())


def _lag(snapshot: Snapshot) -> Iterable[Sample]:
    return (((str(partition),), records) for partition, records in snapshot.lag.items())


def _weights(snapshot: Snapshot) -> Iterable[Sample]:
    largest = nlargest(LARGEST_COMPONENTS, snapshot.components, key=lambda component: component.weight)
    return (((str(component.id),), component.weight) for component in largest)


def _statistics(snapshot: Snapshot) -> Iterable[Sample]:
    return (((one.name,), one.value) for one in snapshot.drift.statistics)


def _limits(snapshot: Snapshot) -> Iterable[Sample]:
    return (((one.name,), one.limit) for one in snapshot.drift.statistics)


def _effective_components(snapshot: Snapshot) -> Iterable[Sample]:
    beside = snapshot.drift.diagnosis
    return _now_and_before(beside and (beside.effective_components, beside.effective_components_before))


def _assignment_entropy(snapshot: Snapshot) -> Iterable[Sample]:
    beside = snapshot.drift.diagnosis
    return _now_and_before(beside and (beside.assignment_entropy, beside.assignment_entropy_before), "stream")


def _now_and_before(values: tuple[float | None, float | None] | None, now: str = "model") -> Iterable[Sample]:
    return (((of,), value) for of, value in zip((now, "reference"), values or (), strict=False))


def _transforms(snapshot: Snapshot) -> Iterable[Sample]:
    beside = snapshot.drift.diagnosis
    return (((found.feature,), found.distance) for found in (beside.transforms if beside else ()))


def _of_component(name: str, field: str, text: str, *, unit: str = "") -> Metric:
    """A field of each component's comparison with its reference."""

    def read(snapshot: Snapshot) -> Iterable[Sample]:
        compared = snapshot.comparison.components if snapshot.comparison else ()
        return (((str(found.component),), getattr(found, field)) for found in compared)

    return Metric(name, "gauge", text, labels=("component",), unit=unit, read=read)


def _drift_states(snapshot: Snapshot) -> Iterable[Sample]:
    return (((state,), state == snapshot.drift.state) for state in get_args(DriftState))


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
    Metric("streamgmm_checkpoint_size_bytes", "gauge", "Size of the last checkpoint committed.", unit="bytes"),
    Metric(
        "streamgmm_checkpoint_timestamp_seconds",
        "gauge",
        "When the last checkpoint was committed, in seconds since the epoch.",
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
    Metric(
        "streamgmm_step_size",
        "gauge",
        "Step size of the last M-step: the weight of the newest batch.",
        read=lambda s: one(s.step_size),
    ),
    Metric(
        "streamgmm_component_weight",
        "gauge",
        f"Mixture weight of a component, by its id (the {LARGEST_COMPONENTS} largest).",
        labels=("component",),
        read=_weights,
    ),
    Metric(
        "streamgmm_components_weak",
        "gauge",
        "Components that hold fewer vectors than their covariance needs, and borrow from the others.",
        read=lambda s: one(s.weak),
    ),
    Metric(
        "streamgmm_effective_sample_size",
        "gauge",
        "How many vectors of equal weight would say as much as the model's statistics do.",
        read=lambda s: one(s.effective_sample_size),
    ),
    Metric(
        "streamgmm_background_weight",
        "gauge",
        "Weight of the background of constant density, where there is one.",
        read=lambda s: one(s.background),
    ),
    Metric(
        "streamgmm_log_likelihood_nats",
        "gauge",
        "Mean log-likelihood of the last commit's vectors under the model that scored them.",
        unit="nats",
        read=lambda s: one(s.log_likelihood),
    ),
    Metric(
        "streamgmm_drift_statistic",
        "gauge",
        "How far the stream is from the frozen reference, by each statistic that may raise the alarm.",
        labels=("statistic",),
        read=_statistics,
    ),
    Metric(
        "streamgmm_drift_statistic_limit",
        "gauge",
        "The alarm is raised when streamgmm_drift_statistic of the same statistic exceeds this.",
        labels=("statistic",),
        read=_limits,
    ),
    Metric(
        "streamgmm_drift_population_stability_index",
        "gauge",
        "Population stability index of the weights, model against frozen reference.",
        read=lambda s: one(s.drift.population_stability_index),
    ),
    Metric(
        "streamgmm_drift_jensen_shannon_nats",
        "gauge",
        "Jensen-Shannon divergence of the weights, model against frozen reference: 0 to log 2.",
        unit="nats",
        read=lambda s: one(s.drift.diagnosis and s.drift.diagnosis.jensen_shannon),
    ),
    Metric(
        "streamgmm_effective_components",
        "gauge",
        "How many components of equal weight would be as uncertain as the weights are: exp(entropy), of the model "
        "and of the frozen reference.",
        labels=("of",),
        read=_effective_components,
    ),
    Metric(
        "streamgmm_assignment_entropy_nats",
        "gauge",
        "How unsure the frozen reference is which component a vector belongs to, on the mean over the stream and over "
        "its own vectors (`of`: reference).",
        labels=("of",),
        unit="nats",
        read=_assignment_entropy,
    ),
    Metric(
        "streamgmm_outlier_ratio",
        "gauge",
        "Share of the last 8,192 or so vectors that are less likely than the reference's drift.outlier_quantile.",
        unit="ratio",
        read=lambda s: one(s.drift.diagnosis and s.drift.diagnosis.outlier_rate),
    ),
    Metric(
        "streamgmm_drift_transform_distance",
        "gauge",
        "Where in their components a feature's values lie: distance of the distribution from the reference's, 0 to 1 "
        f"(the {transform.MOST} furthest).",
        labels=("feature",),
        read=_transforms,
    ),
    _of_component(
        "streamgmm_component_shift",
        "shift",
        "How far a component's mean is from its reference, in the reference's standard deviations (Mahalanobis; the "
        f"{LARGEST_COMPONENTS} largest).",
    ),
    _of_component(
        "streamgmm_component_divergence_nats",
        "divergence",
        f"Symmetric Kullback-Leibler divergence of a component from its reference (the {LARGEST_COMPONENTS} largest).",
        unit="nats",
    ),
    _of_component(
        "streamgmm_component_bhattacharyya_nats",
        "bhattacharyya",
        f"Bhattacharyya distance of a component from its reference (the {LARGEST_COMPONENTS} largest).",
        unit="nats",
    ),
    _of_component(
        "streamgmm_component_wasserstein",
        "wasserstein",
        "Wasserstein-2 distance of a component from its reference, in the transformed features' unit (the "
        f"{LARGEST_COMPONENTS} largest).",
    ),
    Metric(
        "streamgmm_drift_state",
        "gauge",
        "1 for the state the drift alarm is in, 0 for the others.",
        labels=("state",),
        read=_drift_states,
    ),
    Metric(
        "streamgmm_drift_progress_ratio",
        "gauge",
        "How far settling or calibrating is, 0 to 1.",
        unit="ratio",
        read=lambda s: one(s.drift.progress),
    ),
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
        "streamgmm_phase",
        "gauge",
        "1 for the phase the learner is in, 0 for the others.",
        labels=("phase",),
        read=_phases,
    ),
)
