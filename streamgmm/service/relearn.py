"""Learning again, without publishing, what progress records say was learnt after the checkpoint.

The records are those of the input; the order is that of the ranges, which alternate between partitions. All
partitions are read at once and wait for their turn, as long as what waits is small; else only the one whose turn it is.
"""

from collections import deque
from collections.abc import Sequence

import numpy as np

from streamgmm.broker.interface import Reader
from streamgmm.engine import step as engine
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Range, State
from streamgmm.errors import CorruptBatch, RecordsLost, StateLost
from streamgmm.records import columns
from streamgmm.records.columns import RecordColumns
from streamgmm.service.progress import Progress, checksum
from streamgmm.service.worker import Worker

WAITING_BYTES = 64 * 1024 * 1024  # of input that may wait for its turn
WAY_OUT = "Forget what was learnt and go on at the positions reached: streamgmm model reset"


async def relearn(reader: Reader, plan: Plan, state: State, progress: Sequence[Progress], topic: str) -> State:
    """The state after the last progress record. Raises StateLost where the input does not lead there."""
    if not progress:
        return state
    spans = [span for record in progress for span in record.learnt]
    worker, input_ = Worker("relearn"), _Input(reader, spans)
    try:
        for record in progress:
            for span in record.learnt:
                for arrived in await input_.take(span):
                    state, _ = await worker.run(engine.step, plan, state, {span.partition: arrived})
            if checksum(state) != record.checksum:
                raise StateLost(_differs(record, topic))
    except (RecordsLost, CorruptBatch) as error:
        raise StateLost(
            f"what was learnt after the newest checkpoint can not be learnt again: {error}. {WAY_OUT}"
        ) from error
    finally:
        worker.close()
    return state._replace(totals=progress[-1].totals)


def _differs(record: Progress, topic: str) -> str:
    first = record.learnt[0] if record.learnt else None
    where = f"{topic}/{first.partition} from offset {first.start}" if first else topic
    return (
        f"learning again what was learnt after the newest checkpoint leads to another model, at progress record "
        f"{record.number} ({where}): the records are not those that were there, or this machine or version computes "
        f"other last bits than the one that stopped. Start once where and as it ran before, and stop it cleanly; or "
        f"{WAY_OUT[0].lower()}{WAY_OUT[1:]}"
    )


class _Input:
    """The input's partitions, each read once from its first range to its last."""

    def __init__(self, reader: Reader, spans: Sequence[Range]) -> None:
        self.reader = reader
        partitions = {span.partition for span in spans}
        self.positions = {p: min(span.start for span in spans if span.partition == p) for p in partitions}
        self.ends = {p: max(span.stop for span in spans if span.partition == p) for p in partitions}
        self.waiting: dict[int, deque[RecordColumns]] = {p: deque() for p in partitions}
        self.n_bytes = 0
        self.assigned: frozenset[int] = frozenset()

    async def take(self, span: Range) -> list[RecordColumns]:
        """The records of a range, the last one's position at its end."""
        while self.positions[span.partition] < span.stop:
            await self._read(span.partition)
        queue, taken = self.waiting[span.partition], list[RecordColumns]()
        while queue and (not taken or taken[-1].position < span.stop):
            arrived = queue.popleft()
            self.n_bytes -= _n_bytes(arrived)
            if arrived.position > span.stop:
                arrived, rest = _cut(arrived, span.stop)
                queue.appendleft(rest)
                self.n_bytes += _n_bytes(rest)
            taken.append(arrived)
        return taken

    async def _read(self, needed: int) -> None:
        wanted = frozenset({needed})
        if self.n_bytes < WAITING_BYTES:
            wanted = frozenset(p for p, position in self.positions.items() if position < self.ends[p])
        if wanted != self.assigned:
            await self.reader.assign({p: self.positions[p] for p in wanted})
            self.assigned = wanted
        for partition, arrived in (await self.reader.fetch(timeout=0.5)).items():
            self.waiting[partition].append(arrived)
            self.positions[partition] = arrived.position
            self.n_bytes += _n_bytes(arrived)


def _cut(records: RecordColumns, stop: int) -> tuple[RecordColumns, RecordColumns]:
    """What lies below offset `stop`, and the rest."""
    first = int(np.searchsorted(records.offsets, stop))
    below = columns.take(records, slice(0, first))._replace(position=stop)
    return below, columns.take(records, slice(first, None))


def _n_bytes(records: RecordColumns) -> int:
    return int(columns.sizes(records).sum())
