"""The committed model as JSON: what `/api/v1/model` promises to other programs, apart from how a Snapshot is built."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from streamgmm.service.snapshot import DriftState, Phase, Snapshot


class _Value(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class Component(_Value):
    """A component, in the features' own units (transforms undone)."""

    id: int = Field(description="kept for life, never given to another component")
    weight: float = Field(description="share of the mixture, 0 to 1")
    mean: tuple[float, ...] = Field(description="in the order of `features`")


class Statistic(_Value):
    """One statistic that may raise the drift alarm."""

    name: str
    value: float = Field(description="how far the stream is from the reference, 0 or above")
    limit: float = Field(description="above it the alarm stands")
    warning: float | None = Field(description="above it there is a warning")


class Moved(_Value):
    """One thing that moved against the reference, in the features' own units."""

    what: Literal["mean", "spread", "weight", "log_likelihood", "missing"]
    component: int | None = Field(description="id; null: the stream as a whole")
    feature: str | None = Field(description="null: not of one feature")
    before: float = Field(description="in the reference")
    now: float = Field(description="in the newest vectors")
    deviations: float = Field(description="how far, signed, in standard deviations")


class Transform(_Value):
    """Where in their components a feature's values lie, against the reference."""

    feature: str
    distance: float = Field(description="of its transform's distribution from the reference's, 0 to 1")


class Diagnosis(_Value):
    """What is looked at beside the alarm; of the stream null until the reference is complete."""

    jensen_shannon: float = Field(description="nats, 0 to log 2: weights, model against reference")
    effective_components: float = Field(description="exp(entropy) of the model's weights")
    effective_components_before: float = Field(description="of the reference's")
    outlier_rate: float | None = Field(description="share of the stream's vectors that are outliers")
    assignment_entropy: float | None = Field(description="nats: how unsure the reference is of the stream's vectors")
    assignment_entropy_before: float | None = Field(description="and of its own")
    transforms: tuple[Transform, ...] = Field(description="by feature, furthest first, at most 64")


class Drift(_Value):
    """The drift alarm."""

    state: DriftState
    progress: float = Field(description="of settling or calibrating, 0 to 1")
    statistics: tuple[Statistic, ...] = Field(description="what may raise the alarm; empty until it is calibrated")
    sentence: str | None = Field(description="what changed, in words; null while nothing has")
    moved: tuple[Moved, ...] = Field(description="what moved, largest first")
    population_stability_index: float | None = Field(description="of the weights, model against reference")
    diagnosis: Diagnosis | None = Field(description="what is looked at beside the alarm; null without a reference")


class Apart(_Value):
    """A component, model against reference."""

    component: int = Field(description="id")
    shift: float = Field(description="of its mean, in the reference's standard deviations (Mahalanobis)")
    divergence: float = Field(description="symmetric Kullback-Leibler, nats")
    bhattacharyya: float = Field(description="nats")
    wasserstein: float = Field(description="Wasserstein-2, in the transformed features' unit")


class Comparison(_Value):
    """The components that the reference has too."""

    components: tuple[Apart, ...] = Field(description="largest first, at most 64")


class Totals(_Value):
    """Counts since the model began."""

    records: int = Field(description="input records consumed")
    published: int = Field(description="assignments published")
    rejected: dict[str, int] = Field(description="dead letters by reason")
    vectors: int = Field(description="vectors learnt")
    skipped: int = Field(description="offsets that could not be read and were left out")
    incomplete: int = Field(description="vectors with missing features")
    components: dict[str, int] = Field(
        description="what became of components: born, died, merged, recovered, split, weak"
    )


class Model(_Value):
    """The learner as of its last commit."""

    phase: Phase
    detail: str = Field(description="why it is not ready, or what it does")
    model: str = Field(description="the model's name")
    features: tuple[str, ...]
    units: tuple[str, ...] = Field(description="in the order of `features`; empty where none was given")
    components: tuple[Component, ...]
    steps: int = Field(description="M-steps made")
    step_size: float | None = Field(description="of the last M-step")
    repairs: int = Field(description="covariances that had to be repaired")
    log_likelihood: float | None = Field(description="mean of the last commit's vectors, nats")
    warm_up: tuple[int, int] = Field(description="vectors buffered for the start, vectors needed")
    drift: Drift
    totals: Totals
    positions: dict[int, int] = Field(description="next offset to learn, by partition")
    lag: dict[int, int] = Field(description="records not yet learnt, by partition")
    last_timestamp: int | None = Field(description="of the newest record learnt, milliseconds since the epoch")
    effective_sample_size: float | None = Field(description="vectors of equal weight that would say as much")
    weak: int | None = Field(description="components that hold fewer vectors than their covariance needs")
    background: float | None = Field(description="weight of the background; null without one")
    frozen: bool = Field(description="the model is frozen (`learning.frozen`): nothing is learnt")
    comparison: Comparison | None = Field(description="components against the reference; null without one")


class ComponentCard(_Value):
    """A component, held against the reference."""

    id: int = Field(description="kept for life, never given to another component")
    weight: float = Field(description="share of the mixture, 0 to 1")
    reference_weight: float | None = Field(description="its share in the reference; null: it has none there")
    effective: float = Field(description="vectors of equal weight that would say as much as it has learnt")
    age: int | None = Field(description="vectors learnt since it came; null: it came before this process")
    mean: tuple[float | None, ...] = Field(description="in the features' own units, in the order of `features`")
    deviation: tuple[float | None, ...] = Field(
        description="of the mean from the reference, in its standard deviations"
    )
    mark: Literal["born", "died", "split", "merged"] | None = Field(description="what befell it in the last minute")
    other: int | None = Field(description="whom it came from, or whom it took in")


class Components(_Value):
    """All components as of the newest frame."""

    features: tuple[str, ...]
    units: tuple[str, ...] = Field(description="in the order of `features`")
    components: tuple[ComponentCard, ...]


class Happening(_Value):
    """An event."""

    number: int
    time: float = Field(description="when this process saw it, seconds since the epoch")
    type: str
    fields: dict[str, Any]


class SetAside(_Value):
    """A record that went to the dead letters."""

    time: float = Field(description="seconds since the epoch")
    reason: str
    partition: int
    offset: int
    payload: str | None = Field(description="the beginning of its value; null unless `http.show_payloads` is set")


class Stream(_Value):
    """How the stream goes."""

    rate: float | None = Field(description="records a second over the last seconds")
    latency_mean: float | None = Field(description="seconds from a record's timestamp to its commit")
    latency_newest: float | None = Field(description="the same of the newest record")
    commits: int = Field(description="transactions since this process began")
    commit_seconds: float | None = Field(description="duration of the last transaction")
    checkpoint_time: float | None = Field(description="of the last whole checkpoint, seconds since the epoch")
    checkpoint_bytes: int | None
    memory_bytes: int | None = Field(description="resident memory")
    since: float | None = Field(description="when this process had the model, seconds since the epoch")
    last_records: float | None = Field(description="when it last committed records; null: none yet")
    positions: dict[int, int] = Field(description="next offset to learn, by partition")
    lag: dict[int, int] = Field(description="records not yet learnt, by partition")
    rejected: dict[str, int] = Field(description="dead letters since the model began, by reason")
    dead_letters: tuple[SetAside, ...] = Field(description="the last few, oldest first")


class Vector(_Value):
    """One of the vectors that the page shows."""

    features: tuple[float | None, ...] = Field(description="in their own units, in the order of the model's features")
    responsibilities: dict[int, float] = Field(description="probability by component")
    outlier: bool | None = Field(description="null: there is no reference yet")


class Ready(_Value):
    """What `/readyz` answers; the status is 200 when ready and 503 when not."""

    ready: bool
    phase: Phase
    reason: str = Field(description="why it is not ready, or what it does")


class Alive(_Value):
    """What `/livez` answers."""

    alive: bool


def model_of(snapshot: Snapshot) -> Model:
    """The snapshot as the API shows it."""
    return Model.model_validate(snapshot)


def readiness_of(snapshot: Snapshot) -> Ready:
    """Ready in phase running and in no other."""
    return Ready(ready=snapshot.phase == "running", phase=snapshot.phase, reason=snapshot.detail)
