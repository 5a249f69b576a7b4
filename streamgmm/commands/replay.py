"""`streamgmm replay`: a file's rows into a topic, as fast as it takes them or at a rate, once or for ever.

Records without a key go round the partitions in turn; a key chooses its partition by Kafka's hash. Every chunk is
acknowledged before the next is sent, so that what the progress bar shows is in the topic; the next is read meanwhile.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from streamgmm.broker.interface import Broker, Send, Topic, Writer
from streamgmm.broker.open import absent_log, open_broker
from streamgmm.commands.rows import Choice, Rows, rows_of
from streamgmm.errors import InputUnusable, SettingsError
from streamgmm.records.columns import RecordColumns, take
from streamgmm.service.worker import Worker
from streamgmm.settings import Broker as BrokerSettings
from streamgmm.settings import is_topic_name

CHUNK = 20_000  # records to an acknowledgement, at full speed
PER_SECOND = 20  # acknowledgements a second, at a rate


class Target(NamedTuple):
    """The topic, and its partitions where it has to be created."""

    topic: str
    partitions: int = 1


class Pace(NamedTuple):
    """Records a second (None: as fast as they are taken), and whether the file begins again at its end."""

    rate: float | None = None
    repeat: bool = False

    @property
    def chunk(self) -> int:
        """How many records to an acknowledgement."""
        return CHUNK if self.rate is None else max(1, min(CHUNK, int(self.rate / PER_SECOND)))


async def replay(settings: BrokerSettings, file: Path, choice: Choice, target: Target, pace: Pace) -> None:
    """Stream the file; with `pace.repeat` until cancelled.

    Raises BrokerError, SettingsError for a name that no topic can have, and what `rows_of` raises.
    """
    if not is_topic_name(target.topic):
        raise SettingsError(f"--topic {target.topic}: a name is 1 to 249 letters, digits and . _ -, but not . or ..")
    chunks = _chunks(file, choice, pace)
    first = next(chunks)  # a file that cannot be read must not leave a topic behind
    made = absent_log(settings)
    async with open_broker(settings) as broker:
        if made is not None:
            sys.stderr.write(f"made a new embedded log, {made}\n")
        partitions = await _partitions(broker, target)
        writer = await broker.writer()
        try:
            with Display(target.topic) as display:
                await _send_all(
                    first, chunks, Sender(writer, target.topic, partitions, choice.key is not None), pace, display
                )
        finally:
            await writer.close()


class Sender:
    """Writes chunks to the partitions of a topic; raises what the broker's writer raises."""

    def __init__(self, writer: Writer, topic: str, partitions: int, by_key: bool) -> None:
        self.writer, self.topic, self.partitions, self.by_key = writer, topic, partitions, by_key
        self.sent = 0

    async def send(self, rows: Rows) -> None:
        """All of the rows, acknowledged."""
        await self.writer.begin()
        await self.writer.send_all([Send(self.topic, *routed) for routed in self._routed(rows).items()])
        await self.writer.commit()
        self.sent += rows.size

    def _routed(self, rows: Rows) -> dict[int, RecordColumns]:
        columns, count = rows.columns(), self.partitions
        if self.by_key and count > 1:
            from streamgmm.records.partition import route  # noqa: PLC0415 - compiled code, slow to load

            return route(columns, self.sent % count, 0, count)
        turns = ((first, (first + self.sent) % count) for first in range(min(count, rows.size)))
        return {partition: take(columns, slice(first, None, count)) for first, partition in turns}


class Display:
    """What a person sees on stderr: a bar on a terminal, and at the end (or a failure) how many records were sent."""

    def __init__(self, topic: str) -> None:
        self.topic, self.sent, self.begun = topic, 0, time.monotonic()
        texts = (TextColumn("{task.fields[sent]:,} records"), TextColumn("{task.fields[rate]:,.0f}/s"))
        bar = (TextColumn(topic), BarColumn(), TaskProgressColumn(), *texts)
        console = Console(stderr=True)
        self.progress = Progress(*bar, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.progress.add_task(topic, total=1.0, sent=0, rate=0.0)

    def show(self, sent: int, read: float) -> None:
        """`sent` records so far, and how much of the file is read."""
        self.sent = sent
        self.progress.update(self.task, completed=read, sent=sent, rate=sent / self.seconds)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return max(time.monotonic() - self.begun, 1e-3)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        records = "1 record" if self.sent == 1 else f"{self.sent:,} records"
        if kind is None or issubclass(kind, asyncio.CancelledError):
            sys.stderr.write(f"replayed {records} into {self.topic} in {self.seconds:.1f} s\n")
        else:
            sys.stderr.write(f"replayed {records} into {self.topic}, then failed:\n")


def _chunks(file: Path, choice: Choice, pace: Pace) -> Iterator[Rows]:
    """The file's rows, again and again with `pace.repeat`. Raises InputUnusable where there are none."""
    while True:
        empty = True
        for rows in rows_of(file, choice, pace.chunk):
            if rows.size:
                empty = False
                yield rows
        if empty:
            raise InputUnusable(f"{file} holds no records")
        if not pace.repeat:
            return


async def _partitions(broker: Broker, target: Target) -> int:
    found = await broker.topic(target.topic)
    if found is None:
        await broker.create_topic(Topic(target.topic, target.partitions, 1, {}))
        found = await broker.topic(target.topic)
    return found.partitions if found is not None else target.partitions


async def _send_all(first: Rows, chunks: Iterator[Rows], sender: Sender, pace: Pace, display: Display) -> None:
    rows: Rows | None = first
    reader = Worker("read")
    try:
        while rows is not None:
            reading = asyncio.ensure_future(reader.run(next, chunks, None))
            reading.add_done_callback(lambda done: done.cancelled() or done.exception())  # where the send fails
            await sender.send(rows)
            display.show(sender.sent, rows.read)
            rows = await reading
            ahead = 0.0 if pace.rate is None else sender.sent / pace.rate - display.seconds
            await asyncio.sleep(max(ahead, 0.0))
    finally:
        reader.close()
