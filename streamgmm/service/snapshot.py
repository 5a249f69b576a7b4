"""What an observer sees of the learner: one value, made from the committed state only, after each transaction."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from streamgmm.drift.apart import Comparison

Phase = Literal["starting", "restoring", "warming_up", "running", "disconnected", "draining"]
DriftState = Literal["off", "settling", "calibrating", "none", "warning", "alarm"]


class ComponentView(NamedTuple):
    """A component in the features' own units (transforms undone)."""

    id: int
    weight: float
    mean: tuple[float, ...]  # (d,)


class StatisticView(NamedTuple):
    """What one alarming statistic says of the stream against the reference: an alarm stands above the limit."""

    name: str
    value: float  # 0 or above, in the limit's unit
    limit: float
    warning: float | None = None  # the lower limit, above which there is a warning


class MovedView(NamedTuple):
    """One thing that moved against the reference, in the features' own units (transforms undone)."""

    what: Literal["mean", "spread", "weight", "log_likelihood", "missing"]
    component: int | None  # id; None: the stream as a whole
    feature: str | None  # None: not of one feature
    before: float  # in the reference
    now: float  # in the newest vectors
    deviations: float  # how far, signed, in the component's standard deviations; of a weight in its own standard errors


class TransformView(NamedTuple):
    """Where in their components a feature's values lie, against the reference."""

    feature: str
    distance: float  # of its probability integral transform's distribution from the reference's, 0 to 1


class DiagnosisView(NamedTuple):
    """What is looked at beside the alarm. Of the stream: None until the reference is complete."""

    jensen_shannon: float  # nats, of the weights: model against reference
    effective_components: float  # exp(entropy) of the model's weights
    effective_components_before: float  # of the reference's
    outlier_rate: float | None  # of the stream, under the reference
    assignment_entropy: float | None  # nats, mean over the stream under the reference
    assignment_entropy_before: float | None  # over the reference's own vectors
    transforms: tuple[TransformView, ...] = ()  # at most 64, furthest first


class DriftView(NamedTuple):
    """The drift alarm, the stream held against the frozen reference."""

    state: DriftState
    progress: float  # of settling or calibrating, 0 to 1
    statistics: tuple[StatisticView, ...]  # each that may raise the alarm; empty until they are calibrated
    sentence: str | None  # what changed, in words; None while nothing has
    moved: tuple[MovedView, ...]  # largest first; empty while nothing has
    population_stability_index: float | None  # of the weights, model against reference
    diagnosis: DiagnosisView | None = None  # None without a reference


class Totals(NamedTuple):
    """Counts since the model began (they are in the checkpoint)."""

    records: int  # consumed
    published: int
    rejected: Mapping[str, int]  # dead letters by reason
    vectors: int  # learnt
    skipped: int  # offsets that could not be read, by the policies `skip`
    incomplete: int = 0  # vectors with missing features
    components: Mapping[str, int] = {}  # what became of components: born, died, recovered, split, weak


class Snapshot(NamedTuple):
    """The learner as of its last commit."""

    phase: Phase
    detail: str  # one sentence: why it is not ready, or what it does
    model: str
    features: tuple[str, ...]
    units: tuple[str, ...]
    components: tuple[ComponentView, ...]
    steps: int  # M-steps
    step_size: float | None
    repairs: int  # covariances that had to be repaired
    log_likelihood: float | None  # mean of the last commit's vectors, nats
    warm_up: tuple[int, int]  # vectors buffered, vectors needed
    drift: DriftView
    totals: Totals
    positions: Mapping[int, int]  # next offset to learn, by partition
    lag: Mapping[int, int]  # records not yet learnt, by partition
    last_timestamp: int | None  # of the newest record learnt, milliseconds
    effective_sample_size: float | None = None  # vectors of equal weight that would say as much as the statistics
    weak: int | None = None  # components that borrow covariance from the others
    background: float | None = None  # its weight; None without one
    frozen: bool = False  # nothing is learnt, by setting
    comparison: Comparison | None = None  # of the components with the reference's; None without one
