"""Whole record batches, written in compiled code, handed to aiokafka's producer.

`AIOKafkaProducer.send_batch` takes a BatchBuilder and calls a handful of its methods; `WrittenBatch` has these. Where
another aiokafka calls other methods, the records go through the public BatchBuilder, one by one: slower, and said once.
"""

import inspect
import logging
from typing import Any

from aiokafka.producer.message_accumulator import BatchBuilder

from streamgmm.records import record_batch
from streamgmm.records.columns import RecordColumns, records_of

log = logging.getLogger(__name__)

STAMP = ["self", "producer_id", "producer_epoch", "base_sequence"]


class WrittenBatch:
    """A closed batch with the methods that aiokafka's producer calls on a BatchBuilder."""

    def __init__(self, batch: record_batch.Batch, *, transactional: bool) -> None:
        self._batch, self._transactional = batch, transactional

    def append(self, **_record: object) -> None:
        """Nothing can be added."""

    def close(self) -> None:
        """It is closed already."""

    def closed(self) -> bool:
        """Whether nothing can be added any more."""
        return True

    def size(self) -> int:
        """Bytes."""
        return len(self._batch.data)

    def record_count(self) -> int:
        """How many records."""
        return self._batch.count

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        record_batch.stamp(
            self._batch,
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            base_sequence=base_sequence,
            transactional=self._transactional,
        )

    def _build(self) -> bytearray:
        return self._batch.data


def is_understood(builder: type) -> bool:
    """Whether this aiokafka's BatchBuilder is the one that WrittenBatch stands in for."""
    ours = {name for name in vars(WrittenBatch) if not name.startswith("__")}
    theirs = {name for name, member in vars(builder).items() if inspect.isfunction(member)} - {"__init__", "_serialize"}
    return theirs == ours and list(inspect.signature(builder._set_producer_state).parameters) == STAMP  # type: ignore[attr-defined]


def written(columns: RecordColumns, max_bytes: int, *, transactional: bool) -> list[WrittenBatch]:
    """The records as batches of at most `max_bytes`. Raises RecordTooLarge."""
    batches = record_batch.write(columns, max_bytes=max_bytes, transactional=transactional)
    return [WrittenBatch(batch, transactional=transactional) for batch in batches]


def appended(columns: RecordColumns, producer: Any) -> list[Any]:  # noqa: ANN401 - aiokafka ships no types
    """The records through aiokafka's own BatchBuilder, in batches of the producer's `max_batch_size`."""
    batches = [producer.create_batch()]
    for record in records_of(columns):
        parts = {"key": record.key, "value": record.value, "headers": list(record.headers)}
        if batches[-1].append(timestamp=record.timestamp, **parts) is None:
            batches.append(producer.create_batch())
            batches[-1].append(timestamp=record.timestamp, **parts)
    return batches


COMPILED = is_understood(BatchBuilder)
if not COMPILED:
    log.warning("this aiokafka's producer is not the one that streamgmm knows (0.14): sending will be slower")
