"""Which partition of the output a record goes to.

Where input and output have the same number of partitions a record stays in its own. Otherwise the key decides, by the
hash that Kafka's Java client uses (murmur2, seed 0x9747b28c, sign bit cleared), so that other programs find a key where
they expect it; a record without a key goes to its source's partition modulo the output's count.
"""

import numpy as np

from streamgmm.records.columns import Bytes, Int64, RecordColumns, Slices, normal_slices, take
from streamgmm.records.compiled import compiled

_SEED, _MIX = np.uint64(0x9747B28C), np.uint64(0x5BD1E995)


def route(
    columns: RecordColumns, source_partition: int, source_count: int, target_count: int
) -> dict[int, RecordColumns]:
    """The records by target partition, in their order; partitions without records are left out."""
    if not columns.offsets.size:
        return {}
    if source_count == target_count:
        return {source_partition: columns}
    targets = np.full(columns.offsets.size, source_partition % target_count, np.int64)
    _choose(normal_slices(columns.keys), target_count, targets)
    order = np.argsort(targets, kind="stable")
    present, first = np.unique(targets[order], return_index=True)
    return {
        target: take(columns, rows) for target, rows in zip(present.tolist(), np.split(order, first[1:]), strict=True)
    }


@compiled
def _choose(keys: Slices, count: int, out: Int64) -> None:
    """Sets the partition of the records that have a key."""
    for i in range(out.size):
        if keys.length[i] >= 0:
            out[i] = np.int64(murmur2(keys.buffer, keys.start[i], keys.length[i]) & np.uint64(0x7FFFFFFF)) % count


@compiled
def murmur2(data: Bytes, start: int, length: int) -> np.uint64:
    """The hash of `length` bytes from `start`, 32 bits, as `org.apache.kafka.common.utils.Utils.murmur2`."""
    digest = _SEED ^ _low(np.uint64(length))
    at, end = start, start + length
    while end - at >= 4:
        word = _low(_word(data, at, 4) * _MIX)
        word = _low((word ^ (word >> np.uint64(24))) * _MIX)
        digest = _low(digest * _MIX) ^ word
        at += 4
    if at < end:
        digest = _low((digest ^ _word(data, at, end - at)) * _MIX)
    digest = _low((digest ^ (digest >> np.uint64(13))) * _MIX)
    return digest ^ (digest >> np.uint64(15))


@compiled
def _low(number: np.uint64) -> np.uint64:
    """The lower 32 bits: compiled code computes with 64."""
    return number & np.uint64(0xFFFFFFFF)


@compiled
def _word(data: Bytes, at: int, length: int) -> np.uint64:
    """Up to four bytes, the lowest first."""
    word = np.uint64(0)
    for i in range(length):
        word |= np.uint64(data[at + i]) << np.uint64(8 * i)
    return word
