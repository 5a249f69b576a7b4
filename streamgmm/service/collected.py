"""What the records of the model topic come to, met one after another on the way to an offset."""

from typing import NamedTuple

from streamgmm.errors import StateLost
from streamgmm.records.columns import Record, RecordColumns, records_of
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import progress as progress_records
from streamgmm.service.checkpoint import Checkpoint, Part
from streamgmm.service.claim import Claim, decode_claim
from streamgmm.service.progress import Progress


class Found(NamedTuple):
    """What the model topic holds of one model."""

    checkpoint: Checkpoint | None = None
    progress: tuple[Progress, ...] = ()  # since the checkpoint
    traces: bool = False  # of an earlier start: a part, a progress record, or a claim with `started`
    later_claim: Claim | None = None  # behind the offset that was read until

    @property
    def reached(self) -> Checkpoint | None:
        """The checkpoint with the positions and totals that its progress has come to; its model is not."""
        if self.checkpoint is None or not self.progress:
            return self.checkpoint
        behind = {span.partition: span.stop for record in self.progress for span in record.learnt}
        positions = {**self.checkpoint.positions, **behind}
        return self.checkpoint._replace(positions=positions, totals=self.progress[-1].totals)


class Keys(NamedTuple):
    """The keys of one model's records."""

    model: str

    @property
    def claim(self) -> bytes:
        """Key of the claims."""
        return f"{self.model}/claim".encode()

    def part(self, index: int) -> bytes:
        """Key of the index-th part of a checkpoint."""
        return f"{self.model}/{index}".encode()

    def progress(self, number: int) -> bytes:
        """Key of the number-th progress record since a checkpoint."""
        return f"{self.model}/progress/{number}".encode()

    def before(self, action: str, index: int) -> bytes:
        """Key of the index-th part of the model as it was before an action last changed it."""
        return f"{self.model}/before/{action}/{index}".encode()

    def is_part(self, key: bytes | None) -> bool:
        """Whether a record is part of a checkpoint."""
        prefix = f"{self.model}/".encode()
        return key is not None and key.startswith(prefix) and key[len(prefix) :].isdigit()

    def is_progress(self, key: bytes | None) -> bool:
        """Whether a record is progress since a large checkpoint."""
        return key is not None and key.startswith(f"{self.model}/progress/".encode())


class Collected:
    """The parts and claims met on the way to an offset."""

    def __init__(self, topic: str, keys: Keys, offset: int) -> None:
        self.topic, self.keys, self.offset = topic, keys, offset
        self.position = -1
        self.later: Claim | None = None
        self.forget()

    def forget(self) -> None:
        """`model reset` has removed the model: what came before does not count."""
        self.open: dict[int, Part] = {}  # of the checkpoint that is being read
        self.complete: tuple[list[Part], int] | None = None
        self.progress: list[Progress] = []  # since the complete one
        self.traces = False
        self.damage: StateLost | None = None  # met behind the last complete checkpoint

    def take(self, columns: RecordColumns) -> None:
        """Take in what was read."""
        for record in records_of(columns):
            try:
                self._record(record)
            except StateLost as error:
                self.damage = error
        self.position = columns.position

    def _record(self, record: Record) -> None:
        if self.keys.is_part(record.key):
            self._part(record)
        elif self.keys.is_progress(record.key):
            self._progress(record)
        elif record.key == self.keys.claim:
            self._claim(record)

    def _part(self, record: Record) -> None:
        if record.value is None or record.offset > self.offset:
            return
        self.traces = True
        part = checkpoints.decode_part(record.value, f"{self.topic} offset {record.offset}")
        if self.open and next(iter(self.open.values())).checkpoint != part.checkpoint:
            self.open = {}
        self.open[part.part] = part
        if len(self.open) == part.parts:
            self.complete, self.open, self.damage = (list(self.open.values()), record.offset), {}, None
            self.progress = []

    def _progress(self, record: Record) -> None:
        if record.value is None or record.offset > self.offset:
            return
        self.traces = True
        progress = progress_records.decode(record.value, f"{self.topic} offset {record.offset}")
        if self.complete is None or self.complete[0][0].checkpoint != progress.checkpoint:
            return
        if progress.number != len(self.progress):
            raise StateLost(
                f"{self.topic} offset {record.offset} is progress record {progress.number} of a checkpoint, and number "
                f"{len(self.progress)} is missing. {checkpoints.MEND}"
            )
        self.progress.append(progress)

    def _claim(self, record: Record) -> None:
        if record.value is None:
            self.forget()
            return
        claim = decode_claim(record, self.topic)
        if record.offset > self.offset:
            self.later = claim
        self.traces = self.traces or claim.started

    def found(self) -> Found:
        """What it comes to. Raises StateLost where what is newest is damaged."""
        if self.damage is not None:
            raise self.damage
        if self.complete is None:
            return Found(traces=self.traces, later_claim=self.later)
        parts, offset = self.complete
        checkpoint = checkpoints.decode(parts, f"{self.topic} offset {offset}")
        return Found(checkpoint, tuple(self.progress), self.traces, self.later)
