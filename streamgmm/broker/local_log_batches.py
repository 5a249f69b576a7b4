"""A record batch as a row of the embedded log's table of batches."""

from streamgmm.records.record_batch import Batch, read_header

INSERT = (
    "INSERT INTO batches (partition_id, base_offset, last_offset, max_timestamp, size, data) VALUES (?, ?, ?, ?, ?, ?)"
)


def row_of(partition_id: int, batch: Batch) -> tuple[int, int, int, int, int, bytearray]:
    """What INSERT takes for a batch that is stamped with its base offset."""
    header = read_header(batch.data)
    return partition_id, header.base_offset, header.position - 1, header.max_timestamp, header.size, batch.data
