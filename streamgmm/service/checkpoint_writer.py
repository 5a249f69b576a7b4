"""What a transaction writes to the model topic: a whole checkpoint, or progress since the last one."""

import time
import uuid
from collections.abc import Iterator
from typing import NamedTuple

from streamgmm.engine.values import Live, Report, State
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service import progress as progress_records
from streamgmm.service.checkpoint import Origin
from streamgmm.service.model_topic import Keys
from streamgmm.service.progress import Progress, checksum
from streamgmm.service.topics import Topics
from streamgmm.settings import Settings

KeyValue = tuple[bytes, bytes]


class Whole(NamedTuple):
    """The last checkpoint written whole."""

    id: str
    n_bytes: int
    at: float  # s, monotonic
    live: bool  # there was a model: a warm-up's checkpoint names records that wait, and progress does not
    ids_version: int  # ids that were given since are in a whole checkpoint at once: a reset must not give them again


class CheckpointWriter:
    """Decides for each transaction of a session, and remembers what the last ones wrote.

    Progress follows a checkpoint of this session only: new settings apply after a whole one. It is enough where the
    model has learnt records and nothing else has changed it.
    """

    def __init__(self, settings: Settings, topics: Topics, origin: Origin) -> None:
        self._settings, self._origin = settings, origin
        self._part_bytes = checkpoints.part_bytes(topics.model)
        self._keys = Keys(settings.model.name)
        self._whole: Whole | None = None
        self.progress = 0  # records since the last whole checkpoint

    def records(self, state: State, report: Report, *, whole: bool) -> list[KeyValue]:
        """Keys and values for a state that the report led to; `whole` asks for a whole checkpoint."""
        return [*self._kept(report), *self._of(state, report, whole=whole)]

    @property
    def whole_bytes(self) -> int | None:
        """Size of the checkpoint that the last transaction wrote; None where it wrote progress."""
        return self._whole.n_bytes if self._whole is not None and self.progress == 0 else None

    def _of(self, state: State, report: Report, *, whole: bool) -> list[KeyValue]:
        last = self._whole
        if whole or last is None or not report.by_records or not self._is_enough(last, state):
            return self._checkpoint(state)
        record = Progress(last.id, self.progress, report.learnt, state.totals, checksum(state))
        self.progress += 1
        return [(self._keys.progress(record.number), progress_records.encode(record))]

    def _is_enough(self, last: Whole, state: State) -> bool:
        delivery, same_ids = self._settings.delivery, last.ids_version == state.ids_version
        large = last.live and same_ids and last.n_bytes > delivery.checkpoint_bytes
        return large and time.monotonic() - last.at < delivery.checkpoint_interval

    def _kept(self, report: Report) -> Iterator[KeyValue]:
        """Models as they were before an action, under keys of their own."""
        for one in report.kept:
            kept = checkpoints.of(one.before, self._settings, self._origin)
            parts = checkpoints.encode(kept, uuid.uuid4().hex, self._part_bytes)
            yield from ((self._keys.before(one.action, i), part) for i, part in enumerate(parts))

    def _checkpoint(self, state: State) -> list[KeyValue]:
        name = uuid.uuid4().hex
        parts = checkpoints.encode(checkpoints.of(state, self._settings, self._origin), name, self._part_bytes)
        live = isinstance(state.model, Live)
        size = sum(map(len, parts))
        self._whole, self.progress = Whole(name, size, time.monotonic(), live, state.ids_version), 0
        return [(self._keys.part(i), part) for i, part in enumerate(parts)]
