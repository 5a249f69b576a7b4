"""The values the engine works on: its state, what it takes in, what it reports."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.drift import monitor
from streamgmm.engine.sample import Sample
from streamgmm.mixture import stepwise_em
from streamgmm.records.columns import Int64, RecordColumns
from streamgmm.records.vectors import Vectors

Array = NDArray[np.float64]


class Range(NamedTuple):
    """Offsets `start` to `stop` (exclusive) of a partition, and how many of the records in it were accepted."""

    partition: int
    start: int
    stop: int
    accepted: int


class Place(NamedTuple):
    """A record."""

    partition: int
    offset: int


class Chunk(NamedTuple):
    """Accepted records of one partition with their vectors, and the offsets they were found in."""

    range: Range
    columns: RecordColumns
    vectors: Vectors
    times: Array  # (r,) event times in seconds; NaN where a record has none


class WarmUp(NamedTuple):
    """No model yet: the records that it will start from, in the order of their arrival."""

    buffered: tuple[Chunk, ...] = ()
    n_vectors: int = 0  # of weight above 0
    n_bytes: int = 0  # keys, values and headers


class Recent(NamedTuple):
    """Vectors (n, d) since an alarm, and their weights (n,)."""

    vectors: Array
    weights: Array


class Open(NamedTuple):
    """A window of event time that has not ended."""

    number: int  # of windows as long as this one since the epoch
    length: float  # seconds
    vectors: int = 0
    log_likelihood: float = 0.0  # sum, nats
    outliers: int = 0
    judged: int = 0  # vectors of which it is known whether they are outliers
    components: Mapping[str, int] = {}  # vectors by the id of their most probable component


class Live(NamedTuple):
    """A model, what names its components, and the alarm that watches it."""

    mixture: stepwise_em.State
    ids: Int64  # (k,) in the mixture's order
    filled: int  # vectors of weight above 0 since the last M-step
    step_size: float  # of the last M-step, 0 before the first
    drift: monitor.State
    latest: float | None = None  # event time (seconds), the largest since the last M-step
    rested: int = 0  # vectors of weight above 0 that a frozen model has seen since it last had as many as a batch
    average_is_old: bool = False  # the drift alarm has risen since: the average begins anew
    alarmed: bool = False  # the same, and no action has followed yet
    window: Open | None = None  # of event time, where `drift.event_time_window` asks for it
    recent: Recent | None = None  # gathered for a model that starts anew after an alarm
    began: Place | None = None  # the record of the first vector of the drift window that is not full


class Totals(NamedTuple):
    """Counts since the model's first start."""

    records: int = 0
    published: int = 0
    vectors: int = 0  # learnt
    incomplete: int = 0  # vectors with missing features
    skipped: int = 0  # offsets that could not be read, by the policies `skip`
    rejected: Mapping[str, int] = {}  # by reason
    components: Mapping[str, int] = {}  # what became of components: born, died, merged, recovered, split, weak


class State(NamedTuple):
    """All that the next step needs."""

    positions: Mapping[int, int]  # the next offset to learn, by partition
    model: WarmUp | Live
    n_features: int | None
    totals: Totals = Totals()
    generation: int = 0
    ids_version: int = 0
    next_id: int = 0


class Event(NamedTuple):
    """Something that others may want to know; `fields` is JSON."""

    type: str
    fields: Mapping[str, Any]


class Kept(NamedTuple):
    """A model as it was before an action changed it."""

    action: str
    before: State


class Outgoing(NamedTuple):
    """Records to publish that came from a partition of the input."""

    partition: int
    columns: RecordColumns


class Report(NamedTuple):
    """What a step did, for the sink and for observers."""

    assignments: tuple[Outgoing, ...] = ()
    dead_letters: tuple[Outgoing, ...] = ()
    events: tuple[Event, ...] = ()
    records: int = 0
    n_bytes: int = 0  # of the records taken in
    scored: int = 0  # vectors
    log_likelihood: float = 0.0  # sum over the scored vectors, nats
    last_timestamp: int | None = None  # milliseconds
    samples: tuple[Sample, ...] = ()  # a few of the scored vectors, to look at
    learnt: tuple[Range, ...] = ()  # the offsets taken in, in the order learnt
    kept: tuple[Kept, ...] = ()  # of each action the newest
    by_records: bool = True  # the state follows from the one before by these records alone


def combined(reports: list[Report]) -> Report:
    """Several reports as one, in their order."""
    newest = [r.last_timestamp for r in reports if r.last_timestamp is not None]
    return Report(
        assignments=tuple(out for r in reports for out in r.assignments),
        dead_letters=tuple(out for r in reports for out in r.dead_letters),
        events=tuple(event for r in reports for event in r.events),
        records=sum(r.records for r in reports),
        n_bytes=sum(r.n_bytes for r in reports),
        scored=sum(r.scored for r in reports),
        log_likelihood=sum(r.log_likelihood for r in reports),
        last_timestamp=max(newest) if newest else None,
        samples=tuple(sample for r in reports for sample in r.samples),
        learnt=joined([span for r in reports for span in r.learnt]),
        kept=tuple({one.action: one for r in reports for one in r.kept}.values()),
        by_records=all(r.by_records for r in reports),
    )


def joined(spans: list[Range]) -> tuple[Range, ...]:
    """Ranges in their order, each one with those that go on where it ends."""
    whole: list[Range] = []
    for span in spans:
        if whole and (whole[-1].partition, whole[-1].stop) == (span.partition, span.start):
            whole[-1] = whole[-1]._replace(stop=span.stop, accepted=whole[-1].accepted + span.accepted)
        else:
            whole.append(span)
    return tuple(whole)
