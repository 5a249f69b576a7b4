"""One moment of the learner as the page can show it: references to committed values, and a sample of the vectors."""

from collections.abc import Mapping
from typing import NamedTuple

from streamgmm.engine.sample import Sample
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.parameters import Parameters
from streamgmm.records.columns import Int64
from streamgmm.service.snapshot import Snapshot


class Picture(NamedTuple):
    """The mixture, and the frozen one that it is held against."""

    ids: Int64  # (k,)
    parameters: Parameters
    effective: Array  # (k,) vectors of equal weight that would say as much
    reference: Mapping[int, int]  # row of the reference by component id
    frozen: Parameters | None  # the reference


class Moment(NamedTuple):
    """Something that happened, and when the page was told (seconds since the epoch)."""

    number: int
    time: float
    type: str
    fields: Mapping[str, object]


class DeadLetter(NamedTuple):
    """Which record was set aside, and why; what was in it only where a setting allows it."""

    time: float  # seconds since the epoch
    reason: str
    partition: int
    offset: int
    payload: str | None = None  # the beginning of its value


class Flow(NamedTuple):
    """How the stream goes."""

    rate: float | None  # records a second over the last seconds
    latency_mean: float | None  # seconds from a record's timestamp to its commit, of the last transaction
    latency_newest: float | None
    commits: int  # since the process began
    commit_seconds: float | None  # the last transaction's
    checkpoint_time: float | None  # of the last whole one, seconds since the epoch
    checkpoint_bytes: int | None
    memory_bytes: int | None  # resident
    since: float | None = None  # when this process had the model, seconds since the epoch
    last_records: float | None = None  # when it last committed any


class Frame(NamedTuple):
    """What is shown of one moment."""

    number: int  # from 1 on, in order
    time: float  # seconds since the epoch
    snapshot: Snapshot
    picture: Picture | None  # None before there is a model
    flow: Flow
    samples: tuple[Sample, ...]  # of the vectors scored since the frame before
    first_point: int  # number of the first of them, in order of their arrival
    sentence: str = ""  # how the stream stands against its reference
    moments: tuple[Moment, ...] = ()  # the last events before it, oldest first
    dead_letters: tuple[DeadLetter, ...] = ()  # the last before it, oldest first
    born: Mapping[int, int | None] = {}  # vectors learnt when a component came, by id; None: not known

    @property
    def raised(self) -> Moment | None:
        """How the alarm rose that stands, if this process has seen it rise."""
        if self.snapshot.drift.state != "alarm":
            return None
        return next((moment for moment in reversed(self.moments) if moment.type == "drift_raised"), None)

    @property
    def last_moment(self) -> int:
        """Number of the last event before it, 0 where there was none."""
        return self.moments[-1].number if self.moments else 0


def n_points(frame: Frame) -> int:
    """How many vectors its samples hold."""
    return sum(len(sample.vectors) for sample in frame.samples)
