"""Reading an output topic: counting what its records stand for, and noting what retention and compaction left of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from streamgmm.broker.interface import Broker, Topic
from streamgmm.records.columns import Int64, RecordColumns
from streamgmm.service.audit.scan import scan
from streamgmm.service.audit.sources import SourcesOf, by_partition
from streamgmm.service.audit.tally import Tally


class Output(NamedTuple):
    """An output topic as it is to be read."""

    topic: Topic
    begin: Mapping[int, int]  # its ends by partition when the model was first started: what is before is not ours
    input: str
    sources: SourcesOf
    enter: Callable[[Tally, Int64], None]
    stays: bool  # a record's output is in the partition of the same number


class Remains(NamedTuple):
    """What is left of one partition of an output topic."""

    partition: int
    taken: int  # offsets that retention or compaction may have taken, at most
    compacted: bool
    oldest: Mapping[int, int]  # the first source offset that is left, by input partition
    stays: bool


class Content(NamedTuple):
    """What was read of an output topic, and how many of its records say nothing that can be counted."""

    remains: tuple[Remains, ...] = ()
    records: int = 0
    absent: int = 0
    garbled: int = 0
    beyond: int = 0  # for records that the checkpoint has not reached
    unreadable: tuple[str, ...] = ()


class _Reading:
    """What has been read so far of one output."""

    def __init__(self, output: Output, tallies: Mapping[int, Tally]) -> None:
        self.output, self.tallies = output, tallies
        self.held: dict[int, int] = {}
        self.oldest: dict[int, dict[int, int]] = {}
        self.absent = self.garbled = self.beyond = 0

    def take(self, partition: int, columns: RecordColumns) -> None:
        """Count these records."""
        self.held[partition] = self.held.get(partition, 0) + columns.offsets.size
        found = self.output.sources(columns, self.output.input)
        self.absent, self.garbled = self.absent + found.absent, self.garbled + found.garbled
        left = self.oldest.setdefault(partition, {})
        for source, offsets in by_partition(found):
            left[source] = min(int(offsets.min()), left.get(source, int(offsets.min())))
            tally = self.tallies.get(source)
            self.beyond += offsets.size if tally is None else int(np.count_nonzero(offsets >= tally.stop))
            if tally is not None:
                self.output.enter(tally, offsets)


async def read_output(broker: Broker, output: Output, tallies: Mapping[int, Tally], *, patience: float) -> Content:
    """Count a topic's records in the tallies (by input partition). `patience` in s, as for `scan`."""
    name, reading = output.topic.name, _Reading(output, tallies)
    first = await broker.offsets(name, "earliest")
    begin = {p: max(start, output.begin.get(p, 0)) for p, start in first.items()}
    end = await broker.offsets(name, "latest", isolation="read_uncommitted")
    gaps = await scan(broker, name, begin, end, reading.take, patience=patience)
    unreadable = (*_made_anew(output, end), *(gap.line for gap in gaps))
    compacted = "compact" in output.topic.config.get("cleanup.policy", "")
    stable = await broker.offsets(name, "latest") if compacted else {}
    remains = tuple(
        Remains(
            partition=p,
            taken=stable[p] - begin[p] - reading.held.get(p, 0) if compacted else begin[p] - output.begin.get(p, 0),
            compacted=compacted,
            oldest=reading.oldest.get(p, {}),
            stays=output.stays,
        )
        for p in first
    )
    read = sum(reading.held.values())
    return Content(remains, read, reading.absent, reading.garbled, reading.beyond, unreadable)


def _made_anew(output: Output, end: Mapping[int, int]) -> Iterator[str]:
    for partition, begin in output.begin.items():
        if end.get(partition, 0) < begin:
            yield (
                f"{output.topic.name}/{partition} ends at offset {end.get(partition, 0)}, but the model "
                f"began to write at {begin}: the topic was made anew or truncated"
            )
