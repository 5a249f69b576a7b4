"""What the events topic holds of a model since a time. What is no event, or not as the schema says, is counted."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from streamgmm.broker.interface import Broker
from streamgmm.errors import BrokerError
from streamgmm.records.columns import RecordColumns, records_of
from streamgmm.service.audit.scan import scan
from streamgmm.settings import Settings

CHANGES = frozenset({"drift_warned", "drift_eased", "drift_raised", "drift_cleared"})


class Statistic(msgspec.Struct, frozen=True):
    """One statistic against its limit."""

    name: str
    value: float
    limit: float


class Moved(msgspec.Struct, frozen=True):
    """One thing that moved."""

    what: str
    component: int | None
    feature: str | None
    before: float
    now: float
    deviations: float


class Drift(msgspec.Struct, frozen=True):
    """Drift in a summary."""

    state: str
    progress: float
    statistics: tuple[Statistic, ...]
    sentence: str | None
    moved: tuple[Moved, ...]


class Summary(msgspec.Struct, frozen=True):
    """How things stood at a time (ms)."""

    time: int
    weights: Mapping[str, float]
    log_likelihood: float | None
    drift: Drift
    records_per_second: float


class Change(msgspec.Struct, frozen=True):
    """The alarm changed at a time (ms)."""

    type: str
    time: int
    sentence: str | None
    statistics: tuple[Statistic, ...]
    moved: tuple[Moved, ...]
    partition: int
    offset: int


class Other(msgspec.Struct, frozen=True):
    """Any other event; `fields` are those of its own."""

    type: str
    time: int
    fields: Mapping[str, object]


class Seen(NamedTuple):
    """What was read, in the order of time."""

    model: str
    topic: str  # that the model reads
    start: int  # ms
    end: int
    summaries: tuple[Summary, ...]
    events: tuple[Change | Other, ...]  # those of one commit have one time, and stay in its order
    unreadable: int  # records that are no events
    gaps: tuple[str, ...]  # what could not be read

    @property
    def changes(self) -> tuple[Change, ...]:
        """The alarm's."""
        return tuple(one for one in self.events if isinstance(one, Change))

    @property
    def others(self) -> tuple[Other, ...]:
        """All others."""
        return tuple(one for one in self.events if isinstance(one, Other))


class _Head(msgspec.Struct, frozen=True):
    type: str
    model: str
    time: int


async def read(broker: Broker, settings: Settings, start: int, end: int) -> Seen:
    """The model's events from `start` to `end` (ms). Raises BrokerError where the topic does not exist."""
    topic = settings.topics["events"]
    if await broker.topic(topic) is None:
        raise BrokerError(f"topic {topic} does not exist on {settings.broker.url}: the model has not run there")
    values: list[bytes] = []

    def take(_partition: int, columns: RecordColumns) -> None:
        values.extend(record.value or b"" for record in records_of(columns))

    first, last = await broker.offsets(topic, max(start, 0)), await broker.offsets(topic, "latest")
    gaps = await scan(broker, topic, first, last, take, patience=settings.broker.request_timeout)
    found = [_event(value) for value in values]
    told = [event for head, event in filter(None, found) if head.model == settings.model.name and head.time <= end]
    return Seen(
        settings.model.name,
        settings.input.topic,
        start,
        end,
        tuple(sorted((e for e in told if isinstance(e, Summary)), key=lambda e: e.time)),
        tuple(sorted((e for e in told if not isinstance(e, Summary)), key=lambda e: e.time)),
        found.count(None),
        tuple(gap.line for gap in gaps),
    )


def _event(value: bytes) -> tuple[_Head, Summary | Change | Other] | None:
    """None: not an event that this version knows how to read."""
    try:
        head = msgspec.json.decode(value, type=_Head)
        if not 0 <= head.time < 2**43:  # the year 2248: dates end somewhere
            return None
        if head.type == "summary":
            return head, msgspec.json.decode(value, type=Summary)
        if head.type in CHANGES:
            return head, msgspec.json.decode(value, type=Change)
        fields = msgspec.json.decode(value, type=dict[str, object])
    except msgspec.DecodeError:
        return None
    own = {name: field for name, field in fields.items() if name not in {"schema", "type", "model", "time"}}
    return head, Other(head.type, head.time, own)
