"""Reading again what a warm-up had buffered: each partition once, the records then in the order of their arrival."""

from collections.abc import Sequence

from streamgmm.broker.interface import Reader
from streamgmm.engine import step as engine
from streamgmm.engine import warm_up
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Chunk, Event, Range, State
from streamgmm.errors import CorruptBatch, RecordsLost, StateLost
from streamgmm.records.columns import RecordColumns
from streamgmm.service.unreadable import left_out
from streamgmm.settings import Input


async def read_again(
    reader: Reader, plan: Plan, state: State, spans: Sequence[Range], settings: Input
) -> tuple[State, tuple[Event, ...]]:
    """The state with its buffer filled from the ranges that its checkpoint names; events say what could not be read.

    Raises what the policies of the settings do not leave out, and StateLost where the records are not those that the
    checkpoint counted.
    """
    if not spans:
        return state, ()
    reading = _Reading(plan, state, spans)
    while reading.left:
        await reader.assign(reading.left)
        try:
            await reading.to_the_end(reader)
        except (RecordsLost, CorruptBatch) as error:
            behind = left_out(error, settings)
            if behind is None or behind.offset <= reading.positions[error.partition]:
                raise
            reading.skip(error.partition, behind.offset, behind.reason)
    reading.check(settings.topic)
    return reading.state._replace(model=warm_up.refilled(spans, reading.parts)), tuple(reading.events)


class _Reading:
    """How far each partition has been read, and what was found in each range."""

    def __init__(self, plan: Plan, state: State, spans: Sequence[Range]) -> None:
        self.plan, self.state, self.spans = plan, state, spans
        self.parts: list[list[Chunk]] = [[] for _ in spans]
        self.events: list[Event] = []
        partitions = {span.partition for span in spans}
        self.positions = {p: min(span.start for span in spans if span.partition == p) for p in partitions}
        self.ends = {p: max(span.stop for span in spans if span.partition == p) for p in partitions}

    @property
    def left(self) -> dict[int, int]:
        """Partitions that are not read to their end, with where to go on."""
        return {p: position for p, position in self.positions.items() if position < self.ends[p]}

    async def to_the_end(self, reader: Reader) -> None:
        """Read until nothing is left."""
        while self.left:
            for partition, records in (await reader.fetch(timeout=0.5)).items():
                self.take(partition, records)

    def take(self, partition: int, records: RecordColumns) -> None:
        """Sort what was read into the ranges."""
        for span, parts in zip(self.spans, self.parts, strict=True):
            if span.partition == partition and span.start < records.position:
                parts.append(warm_up.part_of(self.plan, self.state.n_features, span, records))
        self.positions[partition] = records.position

    def skip(self, partition: int, stop: int, reason: str) -> None:
        """Go on behind what cannot be read."""
        span = Range(partition, self.positions[partition], min(stop, self.ends[partition]), 0)
        self.state, event = engine.skipped(self.state, span, reason)
        self.events.append(event)
        self.positions[partition] = stop

    def check(self, topic: str) -> None:
        """The records have to be those that the checkpoint counted, unless some were skipped."""
        for span, parts in zip(self.spans, self.parts, strict=True):
            found = sum(part.range.accepted for part in parts)
            if found != span.accepted and not self.events:
                raise StateLost(
                    f"the warm-up had accepted {span.accepted} records of {topic}/{span.partition} from offset "
                    f"{span.start} to {span.stop}, now there are {found}: the topic is not the one that was read. "
                    "Start anew (streamgmm model reset --positions forget)"
                )
