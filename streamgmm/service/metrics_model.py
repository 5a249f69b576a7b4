"""The model's metrics: its components, how fast it learns, how well it explains what comes."""

from collections.abc import Iterable
from heapq import nlargest

from streamgmm.drift import apart
from streamgmm.service.metric import Metric, Sample, one
from streamgmm.service.snapshot import Snapshot

LARGEST_COMPONENTS = apart.MOST  # series of a component's metric, at most


def _weights(snapshot: Snapshot) -> Iterable[Sample]:
    largest = nlargest(LARGEST_COMPONENTS, snapshot.components, key=lambda component: component.weight)
    return (((str(component.id),), component.weight) for component in largest)


MODEL: tuple[Metric, ...] = (
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
)
