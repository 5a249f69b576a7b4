"""The proof of delivery: does every input record stand behind exactly one assignment or dead letter?

The checkpoint says from where to where (`start` to `positions`), and is read first: what is published for records up to
its positions was committed with it or before it. Then input and outputs are read read_committed and counted by offset.
A record need not be published while a warm-up has it buffered, or where an event says that it was skipped. Retention
and compaction may have taken what was once there; that is reported apart, as far as the topics' first offsets show it.
What should be there and cannot be read is never vouched for.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from streamgmm.broker.interface import Broker
from streamgmm.errors import BrokerError, SettingsError, StateLost
from streamgmm.records.columns import Int64, RecordColumns
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import model_topic
from streamgmm.service.audit.models import models_held
from streamgmm.service.audit.outputs import Content, Output, Remains, read_output
from streamgmm.service.audit.report import EXAMPLES, AuditReport
from streamgmm.service.audit.scan import scan
from streamgmm.service.audit.sources import Skip, SourcesOf, of_assignments, of_dead_letters, skips_of
from streamgmm.service.audit.tally import Tally, Verdict
from streamgmm.service.checkpoint import Checkpoint
from streamgmm.settings import Settings


async def audit(settings: Settings, broker: Broker) -> AuditReport:
    """Read everything and count.

    Raises SettingsError where there is nothing to count by or the settings contradict the checkpoint, BrokerError where
    the input does not exist or the model topic holds other models only, StateLost where a checkpoint once was and is
    gone.
    """
    if not settings.output.source_header:
        raise SettingsError(
            "audit counts assignments by their header streamgmm-source, which is off: set output.source_header to true"
        )
    if await broker.topic(settings.input.topic) is None:
        raise BrokerError(f"the input topic {settings.input.topic} (input.topic) does not exist on {broker.url}")
    checkpoint = await _checkpoint(settings, broker)
    if checkpoint is None:
        return AuditReport(settings.model.name, settings.delivery.mode, committed=False)
    return await _Audit(settings, broker, checkpoint).run()


async def _checkpoint(settings: Settings, broker: Broker) -> Checkpoint | None:
    topic, name = settings.topics["model"], settings.model.name
    found = await model_topic.newest(broker, topic, name)
    if found.reached is not None:
        checkpoints.refuse_contradictions(found.reached, settings)
        return found.reached
    if found.traces:
        raise StateLost(f"model {name!r} has been started before, but topic {topic} holds no complete checkpoint of it")
    held = await models_held(broker, topic, patience=_patience(settings))
    if held and name not in held:
        raise BrokerError(
            f"topic {topic} holds nothing of model {name!r}; it holds {', '.join(held)}: look at model.name"
        )
    return None


def _patience(settings: Settings) -> float:
    """Seconds: so long an abandoned transaction may hide records."""
    return settings.broker.transaction_timeout + 10.0


class _Audit:
    """One audit: tallies by input partition, notes, and what could not be read."""

    def __init__(self, settings: Settings, broker: Broker, checkpoint: Checkpoint) -> None:
        self.broker, self.checkpoint = broker, checkpoint
        self.model, self.mode = settings.model.name, settings.delivery.mode
        self.input, self.topics = settings.input.topic, settings.topics
        self.patience = _patience(settings)
        self.tallies: dict[int, Tally] = {}
        self.taken_from_input = 0
        self.notes: list[str] = []
        self.unreadable: list[str] = []

    async def run(self) -> AuditReport:
        """What to expect, what there is, the sum."""
        skips = await self.skips()
        await self.expect(skips)
        await self.read_input(skips)
        partitions = self.checkpoint.partitions
        assignments = await self.read_output("assignments", partitions.assignments, of_assignments)
        self.refuse_without_headers(assignments)
        letters = await self.read_output("dead_letters", partitions.dead_letters, of_dead_letters)
        verdicts = {partition: tally.verdict() for partition, tally in self.tallies.items()}
        return self.report(verdicts, [*assignments.remains, *letters.remains])

    # ---- what to expect

    async def skips(self) -> list[Skip]:
        """What events say was left out."""
        topic, found = self.topics["events"], list[Skip]()
        if not await self.exists(topic):
            return found

        def take(_partition: int, columns: RecordColumns) -> None:
            found.extend(skips_of(columns, self.model))

        begun = self.checkpoint.outputs_start.get("events", {})
        held = await self.broker.offsets(topic, "earliest")
        first = {p: max(offset, begun.get(p, 0)) for p, offset in held.items()}
        end = await self.broker.offsets(topic, "latest", isolation="read_uncommitted")
        gaps = await scan(self.broker, topic, first, end, take, patience=self.patience)
        self.unreadable += (gap.line for gap in gaps)
        if any(offset > begun.get(p, 0) for p, offset in held.items()):
            self.notes.append(f"retention took events from {topic}: a record skipped by then counts as missing")
        return found

    async def exists(self, topic: str) -> bool:
        """Whether it does; a note where not."""
        there = await self.broker.topic(topic) is not None
        if not there:
            self.notes.append(f"topic {topic} does not exist")
        return there

    async def expect(self, skips: Sequence[Skip]) -> None:
        """Make the tallies: from the start, or what retention left of it, to the positions."""
        log_start = await self.broker.offsets(self.input, "earliest")
        log_end = await self.broker.offsets(self.input, "latest", isolation="read_uncommitted")
        anew = {skip.partition for skip in skips if skip.stop < skip.start}
        for partition, stop in self.checkpoint.positions.items():
            end = log_end.get(partition, 0)
            if end < stop:
                self.unreadable.append(
                    f"{self.input}/{partition} ends at offset {end}, but the checkpoint stands at "
                    f"{stop}: the topic was made anew or truncated"
                )
            elif partition in anew:
                self.notes.append(f"not audited: {self.input}/{partition} was made anew, its offsets are ambiguous")
            else:
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

    async def read_input(self, skips: Sequence[Skip]) -> None:
        """Note which records there are. What the learner left out because it could not be read needs no vouching."""
        begin = {partition: tally.first for partition, tally in self.tallies.items()}
        end = {partition: tally.stop for partition, tally in self.tallies.items()}

        def take(partition: int, columns: RecordColumns) -> None:
            self.tallies[partition].read(columns.offsets)

        for gap in await scan(self.broker, self.input, begin, end, take, patience=self.patience):
            if any(s.partition == gap.partition and s.start <= gap.start and gap.stop <= s.stop for s in skips):
                self.notes.append(f"{gap.line}; left out, as events say")
            else:
                self.unreadable.append(gap.line)

    async def read_output(self, role: str, partitions: int, sources: SourcesOf) -> Content:
        """Count what a topic's records stand for; `partitions` is how many it had when the model was first started."""
        topic = await self.broker.topic(self.topics[role])
        if topic is None:
            self.notes.append(f"topic {self.topics[role]} does not exist")
            return Content()
        begin = self.checkpoint.outputs_start.get(role, {})
        enter = {"assignments": Tally.assigned, "dead_letters": Tally.dead_lettered}[role]
        output = Output(topic, begin, self.input, sources, enter, partitions == self.checkpoint.partitions.input)
        content = await read_output(self.broker, output, self.tallies, patience=self.patience)
        self.unreadable += content.unreadable
        self.note_uncounted(topic.name, content)
        return content

    def note_uncounted(self, topic: str, content: Content) -> None:
        """Records that stand for nothing that is audited."""
        counted = {
            "do not say which input record they stand for": content.absent,
            "say it in a way that cannot be read (a garbled header)": content.garbled,
            "stand for input that the checkpoint has not reached: a learner runs, or they are not its own": (
                content.beyond
            ),
        }
        self.notes += [f"records in {topic} that {what}: {count}" for what, count in counted.items() if count]

    def refuse_without_headers(self, assignments: Content) -> None:
        """Raises SettingsError where not one assignment says what it stands for."""
        if assignments.records and assignments.absent == assignments.records:
            raise SettingsError(
                f"audit counts assignments by their header streamgmm-source, and none of the {assignments.records} in "
                f"{self.topics['assignments']} has one: they were written with output.source_header: false"
            )

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
            unreadable=tuple(self.unreadable),
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
