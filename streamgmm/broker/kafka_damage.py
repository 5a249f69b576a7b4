"""What a reader cannot read: which offsets, whose fault, and what is raised for it.

Both readers of Kafka only notice that something is wrong, at a position. The stored batches are then fetched once more
and looked at, since an error inside a client does not say which batch it met.
"""

from aiokafka import TopicPartition

from streamgmm.broker.kafka_cluster import EARLIEST, LATEST, KafkaCluster
from streamgmm.errors import BrokerUnavailable, CorruptBatch, InputUnusable, RecordsLost, StreamgmmError
from streamgmm.records import batch_run


async def lost(cluster: KafkaCluster, tp: TopicPartition, position: int) -> StreamgmmError:
    """What a position is that Kafka says is out of range."""
    first = (await cluster.offsets(tp.topic, EARLIEST, "read_uncommitted"))[tp.partition]
    end = (await cluster.offsets(tp.topic, LATEST, "read_uncommitted"))[tp.partition]
    if first <= position <= end:
        at = f"{tp.topic}/{tp.partition} offset {position}"
        return BrokerUnavailable(f"Kafka at {cluster.address} says that {at} is out of range, and has it")
    return RecordsLost(tp.topic, tp.partition, position, first if position < first else end)


async def damaged(
    cluster: KafkaCluster, tp: TopicPartition, position: int, why: str, check_crcs: bool
) -> StreamgmmError:
    """What the batch at or behind a position is that could not be read."""
    stored = await cluster.batches_at(tp.topic, tp.partition, position)
    end = (await cluster.offsets(tp.topic, LATEST, "read_uncommitted"))[tp.partition]
    scanned = batch_run.scan(stored).whole()
    run = batch_run.read(scanned, position, None, check_crcs=check_crcs)
    if run.damage is None:
        where = f"{tp.topic}/{tp.partition} offset {position}"
        return BrokerUnavailable(
            f"Kafka at {cluster.address}: {where} could not be read ({why}), and can be the second time"
        )
    offset = run.columns.position
    if run.damage.old is not None:
        return old_format(tp, offset)
    behind = behind_damage(stored, run.damage.place, offset, end)
    return CorruptBatch(tp.topic, tp.partition, offset, behind, run.damage.why)


def old_format(tp: TopicPartition, offset: int) -> InputUnusable:
    """Records in a format that brokers from before 0.11 wrote."""
    return InputUnusable(
        f"{tp.topic}/{tp.partition} offset {offset} is stored in a message format before v2 "
        "(Kafka 0.10 or older wrote it): copy the topic with a current client, and read the copy"
    )


def behind_damage(stored: bytes, at: int, offset: int, end: int) -> int:
    """The first offset behind the damaged batch that begins at place `at`, as far as can be told.

    The next batch's own header counts most: the damaged one's may lie. Never beyond `end`, the log's end.
    """
    size = 12 + int.from_bytes(stored[at + 8 : at + 12], "big", signed=True)
    last_delta = int.from_bytes(stored[at + 23 : at + 27], "big", signed=True)
    for behind in (
        int.from_bytes(stored[at + size : at + size + 8], "big") if size >= 61 else 0,
        int.from_bytes(stored[at : at + 8], "big") + last_delta + 1,
    ):
        if offset < behind <= end:
            return behind
    return offset + 1
