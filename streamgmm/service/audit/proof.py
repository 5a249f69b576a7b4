"""The proof of delivery: does every input record stand behind exactly one assignment or dead letter?

The checkpoint says from where to where (`start` to `positions`), and is read first: what is published for records up to
its positions was committed with it or before it. Then input and outputs are read read_committed and counted by offset.
A record need not be published while a warm-up has it buffered, or where an event says that it was skipped. Retention
and compaction may have taken what was once there; that is reported apart, as far as the topics' first offsets show it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from streamgmm.broker.interface import Broker
from streamgmm.errors import BrokerError, SettingsError, StateLost
from streamgmm.records.columns import Int64, RecordColumns
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import model_topic
from streamgmm.service.audit.report import EXAMPLES, AuditReport
from streamgmm.service.audit.scan import Take, scan
from streamgmm.service.audit.sources import Skip, Sources, of_assignments, of_dead_letters, skips_of
from streamgmm.service.audit.tally import Tally, Verdict
from streamgmm.service.checkpoint import Checkpoint
from streamgmm.settings import Settings


class Remains(NamedTuple):
    """What is left of one partition of an output topic."""

    partition: int
    taken: int  # offsets that retention or compaction may have taken, at most
    compacted: bool
    oldest: Mapping[int, int]  # the first source offset that is left, by input partition
    stays: bool  # a record's output is in the partition of the same number


async def audit(settings: Settings, broker: Broker) -> AuditReport:
    """Read everything and count.

    Raises SettingsError where the settings leave nothing to count by or contradict the checkpoint, BrokerError where
    the input does not exist, RecordsLost where it was made anew, StateLost where a checkpoint once was and is gone.
    """
    if not settings.output.source_header:
        raise SettingsError(
            "audit counts assignments by their header streamgmm-source, which is off: set output.source_header to true"
        )
    checkpoint = await _checkpoint(settings, broker)
    if checkpoint is None:
        return AuditReport(settings.model.name, settings.delivery.mode, committed=False)
    return await _Audit(settings, broker, checkpoint).run()


async def _checkpoint(settings: Settings, broker: Broker) -> Checkpoint | None:
    topic, name = settings.topics["model"], settings.model.name
    found = await model_topic.newest(broker, topic, name)
    if found.checkpoint is not None:
        checkpoints.refuse_contradictions(found.checkpoint, settings)
    elif found.traces:
        raise StateLost(f"model {name!r} has been started before, but topic {topic} holds no complete checkpoint of it")
    return found.checkpoint


class _Audit:
    """One audit: tallies by input partition, and notes on what could not be read."""

    def __init__(self, settings: Settings, broker: Broker, checkpoint: Checkpoint) -> None:
        self.broker, self.checkpoint = broker, checkpoint
        self.model, self.mode = settings.model.name, settings.delivery.mode
        self.input, self.topics = settings.input.topic, settings.topics
        self.patience = settings.broker.transaction_timeout + 10.0  # an abandoned transaction hides records so long
        self.tallies: dict[int, Tally] = {}
        self.taken_from_input = 0
        self.notes: list[str] = []

    async def run(self) -> AuditReport:
        """What to expect, what there is, the sum."""
        await self.expect(await self.skips())
        await self.read_input()
        partitions = self.checkpoint.partitions
        remains = [
            *await self.read_output("assignments", of_assignments, Tally.assigned, partitions.assignments),
            *await self.read_output("dead_letters", of_dead_letters, Tally.dead_lettered, partitions.dead_letters),
        ]
        return self.report({partition: tally.verdict() for partition, tally in self.tallies.items()}, remains)

    # ---- what to expect

    async def skips(self) -> list[Skip]:
        """What events say was left out."""
        found: list[Skip] = []
        topic = self.topics["events"]
        first = await self.read_all(topic, lambda _partition, columns: found.extend(skips_of(columns, self.model)))
        if any(first.values()):
            self.notes.append(f"retention took events from {topic}: a record skipped by then counts as missing")
        return found

    async def expect(self, skips: Sequence[Skip]) -> None:
        """Make the tallies: from the start, or what retention left of it, to the positions."""
        if await self.broker.topic(self.input) is None:
            raise BrokerError(f"topic {self.input} does not exist on {self.broker.url}: nothing to audit against")
        log_start = await self.broker.offsets(self.input, "earliest")
        anew = {skip.partition for skip in skips if skip.stop < skip.start}
        for partition, stop in self.checkpoint.positions.items():
            if partition in anew:
                self.notes.append(f"not audited: {self.input}/{partition} was made anew, its offsets are ambiguous")
                continue
            start = self.checkpoint.start.get(partition, 0)
            first = max(start, min(stop, log_start.get(partition, stop)))
            self.taken_from_input += first - start
            self.tallies[partition] = Tally(first, stop)
        self.excuse(skips)

    def excuse(self, skips: Sequence[Skip]) -> None:
        """What need not be published."""
        for partition, start, stop in skips:
            if partition in self.tallies:
                self.tallies[partition].skip(start, stop)
        for partition, start, stop, _ in self.checkpoint.buffered:
            if partition in self.tallies:
                self.tallies[partition].wait(start, stop)

    # ---- what there is

    async def read_input(self) -> None:
        """Note which records there are."""
        begin = {partition: tally.first for partition, tally in self.tallies.items()}
        end = {partition: tally.stop for partition, tally in self.tallies.items()}

        def take(partition: int, columns: RecordColumns) -> None:
            self.tallies[partition].read(columns.offsets)

        self.notes += await scan(self.broker, self.input, begin, end, take, patience=self.patience)

    async def read_output(
        self,
        role: str,
        sources: Callable[[RecordColumns, str], Sources],
        count: Callable[[Tally, Int64], None],
        partitions: int,
    ) -> list[Remains]:
        """Count what a topic's records stand for; `partitions` is how many it had when the model was first started."""
        held: dict[int, int] = {}
        oldest: dict[int, dict[int, int]] = {}

        def take(partition: int, columns: RecordColumns) -> None:
            held[partition] = held.get(partition, 0) + columns.offsets.size
            left = oldest.setdefault(partition, {})
            for source, offsets in sources(columns, self.input):
                left[source] = min(int(offsets.min()), left.get(source, int(offsets.min())))
                if source in self.tallies:
                    count(self.tallies[source], offsets)

        first = await self.read_all(self.topics[role], take)
        return await self.remains(self.topics[role], first, held, oldest, partitions)

    async def remains(
        self,
        topic: str,
        first: Mapping[int, int],
        held: Mapping[int, int],
        oldest: Mapping[int, Mapping[int, int]],
        partitions: int,
    ) -> list[Remains]:
        """What is left of a topic that begins at `first` and of which `held` records were read."""
        described = await self.broker.topic(topic)
        if described is None:
            return []
        compacted = "compact" in described.config.get("cleanup.policy", "")
        end = await self.broker.offsets(topic, "latest") if compacted else {}
        stays = partitions == self.checkpoint.partitions.input
        return [
            Remains(p, end[p] - held.get(p, 0) if compacted else start, compacted, oldest.get(p, {}), stays)
            for p, start in first.items()
        ]

    async def read_all(self, topic: str, take: Take) -> Mapping[int, int]:
        """All that a topic holds now; returns its first offsets."""
        if await self.broker.topic(topic) is None:
            self.notes.append(f"topic {topic} does not exist")
            return {}
        first = await self.broker.offsets(topic, "earliest")
        end = await self.broker.offsets(topic, "latest", isolation="read_uncommitted")
        self.notes += await scan(self.broker, topic, first, end, take, patience=self.patience)
        return first

    # ---- the sum

    def report(self, verdicts: Mapping[int, Verdict], remains: Sequence[Remains]) -> AuditReport:
        """All partitions together. What retention and compaction explain is not missing, but no more than they took."""
        explained = {p: _explained(p, v.missing, remains, self.tallies[p].stop) for p, v in verdicts.items()}
        missing = {p: np.setdiff1d(v.missing, explained[p]) for p, v in verdicts.items()}
        surplus = max(0, _size(explained) - sum(part.taken for part in remains))
        not_in_input = sum(v.not_in_input for v in verdicts.values())
        if not_in_input:
            self.notes.append(f"{not_in_input} published records are no longer in {self.input} (compaction)")
        return AuditReport(
            model=self.model,
            mode=self.mode,
            input=sum(v.input for v in verdicts.values()),
            assigned=sum(v.assigned for v in verdicts.values()),
            dead_lettered=sum(v.dead_lettered for v in verdicts.values()),
            waiting=sum(v.waiting for v in verdicts.values()),
            skipped=sum(v.skipped for v in verdicts.values()),
            missing=_size(missing) + surplus,
            duplicated=sum(v.duplicated.size for v in verdicts.values()),
            taken_from_input=self.taken_from_input,
            taken_from_output=_size(explained) - surplus,
            missing_examples=self.examples(missing) or self.examples(explained if surplus else {}),
            duplicated_examples=self.examples({p: v.duplicated for p, v in verdicts.items()}),
            notes=tuple(self.notes),
        )

    def examples(self, offsets: Mapping[int, Int64]) -> tuple[str, ...]:
        """The first few positions."""
        firsts = ((p, offset) for p, found in offsets.items() for offset in found[:EXAMPLES].tolist())
        return tuple(f"{self.input}/{p} offset {offset}" for p, offset in list(firsts)[:EXAMPLES])


def _explained(partition: int, missing: Int64, remains: Sequence[Remains], stop: int) -> Int64:
    """Those of the missing whose output may have been taken.

    Outputs lie in the order of their input, and retention takes the oldest: it explains what lies before the first that
    is left. Compaction takes any.
    """
    limits = [
        stop if part.compacted else part.oldest.get(partition, stop)
        for part in remains
        if part.taken and (part.partition == partition or not part.stays)
    ]
    return missing[missing < max(limits, default=-1)]


def _size(offsets: Mapping[int, Int64]) -> int:
    return sum(found.size for found in offsets.values())
