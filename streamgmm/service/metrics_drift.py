"""Drift's metrics: the alarm with its statistics and limits, and what is looked at beside it."""

from collections.abc import Iterable
from typing import get_args

from streamgmm.drift import apart, transform
from streamgmm.service.metric import Metric, Sample, one
from streamgmm.service.snapshot import DriftState, Snapshot


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


DRIFT: tuple[Metric, ...] = (
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
        f"{apart.MOST} largest).",
    ),
    _of_component(
        "streamgmm_component_divergence_nats",
        "divergence",
        f"Symmetric Kullback-Leibler divergence of a component from its reference (the {apart.MOST} largest).",
        unit="nats",
    ),
    _of_component(
        "streamgmm_component_bhattacharyya_nats",
        "bhattacharyya",
        f"Bhattacharyya distance of a component from its reference (the {apart.MOST} largest).",
        unit="nats",
    ),
    _of_component(
        "streamgmm_component_wasserstein",
        "wasserstein",
        "Wasserstein-2 distance of a component from its reference, in the transformed features' unit (the "
        f"{apart.MOST} largest).",
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
)
