"""Topics as a learner leaves them, written by hand: for tests of what reads them afterwards."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streamgmm.broker.interface import Broker, Topic
from streamgmm.engine.values import Event, Range, Totals
from streamgmm.records.columns import Record, RecordColumns, of_records
from streamgmm.records.dead_letters import dead_letters
from streamgmm.records.headers import source_headers
from streamgmm.records.vectors import Rejection
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import outbox
from streamgmm.service.checkpoint import Checkpoint, Partitions
from streamgmm.service.model_topic import Keys
from streamgmm.settings import Settings


def settings(url: str, topic: str, **sections: dict[str, Any]) -> Settings:
    base: dict[str, Any] = {
        "broker": {"url": url, "request_timeout": 1, "transaction_timeout": 2},
        "input": {"topic": topic},
        "model": {"name": "players", "n_components": 2},
    }
    return Settings.model_validate(base | sections)


class World:
    """Input of `partitions` partitions, outputs of as many."""

    def __init__(self, broker: Broker, of: Settings, partitions: int = 2) -> None:
        self.broker, self.settings, self.partitions = broker, of, partitions
        self.value = b"vector"

    async def create(self, **configs: dict[str, str]) -> None:
        """Create all topics; `configs` by role (`input`, or an output's)."""
        names = {"input": self.settings.input.topic, **self.settings.topics}
        for role, name in names.items():
            count = 1 if role in {"model", "events"} else self.partitions
            config = {"cleanup.policy": "compact"} if role == "model" else configs.get(role, {})
            await self.broker.create_topic(Topic(name, count, 1, config))

    async def publish(self, topic: str, partition: int, columns: RecordColumns) -> None:
        writer = await self.broker.writer()
        await writer.begin()
        await writer.send(topic, partition, columns)
        await writer.commit()
        await writer.close()

    async def feed(self, *counts: int) -> None:
        """So many records into each partition of the input, one batch each."""
        for partition, count in enumerate(counts):
            await self.publish(self.settings.input.topic, partition, self.records(range(count)))

    async def assign(self, partition: int, offsets: Iterable[int], *, into: int | None = None) -> None:
        """Assignments of these input records."""
        columns = source_headers(self.records(offsets), self.settings.input.topic, partition)
        target = self.settings.topics["assignments"]
        await self.publish(target, partition if into is None else into, columns)

    async def set_aside(self, partition: int, offsets: Sequence[int]) -> None:
        """Dead letters of these input records."""
        rejections = [Rejection(i, "undecodable", "not msgpack") for i in range(len(offsets))]
        columns = dead_letters(self.records(offsets), rejections, self.settings.input.topic, partition)
        await self.publish(self.settings.topics["dead_letters"], partition, columns)

    async def skip(self, partition: int, start: int, stop: int) -> None:
        fields = {
            "partition": partition,
            "start": start,
            "stop": stop,
            "count": max(0, stop - start),
            "reason": "corrupt",
        }
        events = await self.broker.topic(self.settings.topics["events"])
        assert events is not None
        for send in outbox.events_send((Event("records_skipped", fields),), events, "players", outbox.now_ms()):
            await self.publish(*send)

    async def checkpoint(
        self,
        start: dict[int, int],
        positions: dict[int, int],
        *,
        buffered: tuple[Range, ...] = (),
        outputs_start: Mapping[str, Mapping[int, int]] | None = None,
    ) -> None:
        held = Checkpoint(
            schema=checkpoints.SCHEMA,
            version="test",
            model="players",
            input_topic=self.settings.input.topic,
            input_format="msgpack",
            weight=None,
            event_time=None,
            features=checkpoints.features(self.settings),
            n_components=2,
            covariance_type="full",
            n_features=None,
            partitions=Partitions(self.partitions, self.partitions, self.partitions),
            start=start,
            outputs_start=outputs_start or {},
            positions=positions,
            buffered=buffered,
            totals=Totals(),
            generation=0,
            ids_version=0,
            next_id=0,
            settings={},
            live=None,
        )
        keys = Keys("players")
        parts = checkpoints.encode(held, "id", 100_000)
        records = [Record(i, outbox.now_ms(), keys.part(i), part) for i, part in enumerate(parts)]
        await self.publish(self.settings.topics["model"], 0, of_records(records, len(records)))

    def records(self, offsets: Iterable[int]) -> RecordColumns:
        """Records at these offsets, in the order given, all of one key."""
        now = outbox.now_ms()
        return of_records([Record(offset, now, b"player", self.value) for offset in offsets], 0)
