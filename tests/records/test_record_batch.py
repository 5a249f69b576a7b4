"""The parser and the writer against aiokafka's own, and against anything at all."""

import struct

import cramjam
import numpy as np
import pytest
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.records import codecs, record_batch
from streamgmm.records.columns import Record, Slices, concatenate, of_records, records_of, slices_of, take

texts = st.none() | st.binary(max_size=60)
headers = st.lists(st.tuples(st.text(max_size=5), texts), max_size=3).map(tuple)
one = st.builds(Record, st.just(0), st.integers(0, 2**45), texts, texts, headers)
some = st.lists(one, min_size=1, max_size=15).map(lambda rs: [r._replace(offset=i) for i, r in enumerate(rs)])
codec_names = st.sampled_from(codecs.NAMES)


def built(records, codec="none", **stamps):
    """The batch as aiokafka's producer writes it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codecs.NAMES.index(codec),
        is_transactional=stamps.get("transactional", False),
        producer_id=stamps.get("producer_id", -1),
        producer_epoch=stamps.get("producer_epoch", -1),
        base_sequence=stamps.get("base_sequence", -1),
        batch_size=1 << 20,
    )
    for record in records:
        builder.append(record.offset, record.timestamp, record.key, record.value, list(record.headers))
    return bytes(builder.build())


def read_by_aiokafka(data):
    """The records as aiokafka's consumer reads them."""
    read, memory = [], MemoryRecords(bytes(data))
    while memory.has_next():
        batch = memory.next_batch()
        assert batch.validate_crc()
        read += [Record(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in batch]
    return read


def resealed(data):
    """The batch with its checksum set right again."""
    struct.pack_into(">I", data, 17, crc32c(memoryview(data)[21:]))
    return data


@given(some, codec_names)
def test_reads_what_aiokafka_writes(records, codec):
    columns = record_batch.parse(built(records, codec))
    assert list(records_of(columns)) == records
    assert columns.position == len(records)


@given(some, codec_names, st.booleans())
def test_aiokafka_reads_what_is_written(records, codec, transactional):
    (batch,) = record_batch.write(of_records(records, 99), max_bytes=1 << 20, transactional=transactional, codec=codec)
    assert read_by_aiokafka(batch.data) == records
    assert DefaultRecordBatch(bytes(batch.data)).is_transactional == transactional
    assert (batch.count, batch.first_row) == (len(records), 0)


@given(some)
def test_unpacked_batches_equal_aiokafkas_byte_for_byte(records):
    (batch,) = record_batch.write(of_records(records, 0), max_bytes=1 << 20)
    assert bytes(batch.data) == built(records)
    record_batch.stamp(batch, producer_id=7, producer_epoch=3, base_sequence=11, transactional=True)
    assert bytes(batch.data) == built(records, producer_id=7, producer_epoch=3, base_sequence=11, transactional=True)


@pytest.mark.parametrize("codec", codecs.NAMES[1:])
def test_every_codec_packs(codec):
    records = [Record(i, i, b"key", bytes(500)) for i in range(100)]
    (batch,) = record_batch.write(of_records(records, 0), max_bytes=1 << 20, codec=codec)
    assert len(batch.data) < 10_000
    assert codecs.NAMES[record_batch.read_header(batch.data).codec] == codec
    assert read_by_aiokafka(batch.data) == records
    assert list(records_of(record_batch.parse(batch.data))) == records


@given(some, st.integers(80, 400))
def test_batches_stay_below_the_limit_and_hold_everything(records, limit):
    try:
        written = record_batch.write(of_records(records, 0), max_bytes=limit)
    except record_batch.RecordTooLarge as error:
        assert len(built([records[error.row]._replace(offset=0)])) == error.size > limit
        return
    assert all(len(batch.data) <= limit for batch in written)
    assert [batch.first_row for batch in written] == np.cumsum([0, *(b.count for b in written)])[:-1].tolist()
    read = concatenate([record_batch.parse(batch.data) for batch in written])
    assert [r[1:] for r in records_of(read)] == [r[1:] for r in records]


def test_columns_may_lie_in_different_buffers():
    columns = record_batch.parse(built([Record(i, 5, b"k%d" % i, b"in", (("h", b"x"),)) for i in range(4)]))
    mixed = take(columns._replace(values=slices_of([b"a", None, b"", b"long" * 50])), np.array([3, 1]))
    (batch,) = record_batch.write(mixed, max_bytes=1 << 20)
    assert read_by_aiokafka(batch.data) == [
        Record(0, 5, b"k3", b"long" * 50, (("h", b"x"),)),
        Record(1, 5, b"k1", None, (("h", b"x"),)),
    ]


def test_writable_and_strided_columns_are_taken_too():
    columns = of_records([Record(i, i, b"k", b"v") for i in range(4)], 4)
    strided = Slices(columns.values.buffer.copy(), np.repeat(columns.values.start, 2)[::2], columns.values.length)
    (batch,) = record_batch.write(columns._replace(values=strided), max_bytes=1000)
    assert list(records_of(record_batch.parse(batch.data))) == list(records_of(columns))


def test_nothing_to_write_is_no_batch():
    assert record_batch.write(of_records([], 4), max_bytes=1000) == []


def test_base_offset_and_last_offset_count():
    (batch,) = record_batch.write(of_records([Record(0, 0, None, b"v")], 1), max_bytes=1000)
    record_batch.stamp(batch, base_offset=2**40)
    struct.pack_into(">i", batch.data, 23, 9)  # compaction took the records behind it
    columns = record_batch.parse(resealed(batch.data))
    assert columns.offsets.tolist() == [2**40]
    assert columns.position == 2**40 + 10


def test_log_append_time_holds_for_every_record():
    data = bytearray(built([Record(i, 1000 + i, None, b"v") for i in range(3)]))
    struct.pack_into(">h", data, 21, 0x08)
    assert record_batch.parse(resealed(data)).timestamps.tolist() == [1002] * 3
    assert [r.timestamp for r in read_by_aiokafka(data)] == [1002] * 3


def test_a_control_batch_is_a_position():
    data = bytearray(built([Record(0, 1, b"\0\0\0\1", b"\0" * 6)]))
    struct.pack_into(">h", data, 21, 0x30)
    columns = record_batch.parse(resealed(data))
    assert (len(columns.offsets), columns.position) == (0, 1)
    assert record_batch.read_header(data).is_control


def test_a_batch_that_compaction_emptied_is_a_position():
    data = bytearray(built([Record(0, 1, b"k", b"v")])[:61])
    struct.pack_into(">i", data, 8, 49)
    struct.pack_into(">i", data, 23, 4)
    struct.pack_into(">i", data, 57, 0)
    assert record_batch.parse(resealed(data)).position == 5


def test_batches_leaves_out_what_is_cut_short():
    first, second = built([Record(0, 0, None, b"a")]), built([Record(0, 0, None, b"b")])
    for cut in range(1, len(second) + 1):
        assert [bytes(b) for b in record_batch.batches(first + second[:-cut])] == [first]
    assert [bytes(b) for b in record_batch.batches(first + second)] == [first, second]


def test_batches_refuses_an_impossible_length():
    data = bytearray(built([Record(0, 0, None, b"a")]) * 2)
    struct.pack_into(">i", data, len(data) // 2 + 8, -3)
    batches = record_batch.batches(data)
    next(batches)
    with pytest.raises(record_batch.BadBatch, match="length of -3"):
        next(batches)


@pytest.mark.parametrize("magic", [0, 1])
def test_old_versions_are_refused_by_name(magic):
    data = bytearray(built([Record(0, 0, None, b"a" * 60)]))
    data[16] = magic
    with pytest.raises(record_batch.BadBatch, match=f"v{magic} is not supported"):
        record_batch.parse(data)


def test_old_versions_as_aiokafka_writes_them_are_refused():
    for magic in (0, 1):
        builder = LegacyRecordBatchBuilder(magic=magic, compression_type=0, batch_size=1000)
        builder.append(0, 1, b"k", b"v")
        (frame,) = record_batch.batches(bytes(builder.build()))
        with pytest.raises(record_batch.BadBatch, match=f"v{magic} is not supported"):
            record_batch.parse(frame)


def test_a_wrong_checksum_is_named():
    data = bytearray(built([Record(0, 0, None, b"abc")]))
    data[-2] ^= 1
    with pytest.raises(record_batch.BadBatch, match="checksum"):
        record_batch.parse(data)
    assert len(record_batch.parse(data, check_crc=False).offsets) == 1


def body(*fields):
    """One record, its length set right, in a sealed batch of its own."""
    return sealed(bytes([2 * len(bytes(fields))]) + bytes(fields))


def sealed(records, count=1, attributes=0):
    data = bytearray(61) + records
    struct.pack_into(
        ">qiibIhiqqqhii", data, 0, 0, len(data) - 12, 0, 2, 0, attributes, count - 1, 0, 0, -1, -1, -1, count
    )
    return resealed(data)


GOOD = (0, 0, 0, 1, 1, 0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (body(0, 0, 0, 1, 20, 0), "key or value runs past"),
        (body(0, 0, 0, 20, 1, 0), "key or value runs past"),
        (body(0, 0, 0, 1, 1, 1), "number of headers"),
        (body(0, 0, 0, 1, 1, 2), "header is damaged"),
        (body(0, 0, 0, 1, 1, 2, 1, 1), "header is damaged"),
        (body(0, 0, 0, 1, 1, 2, 0, 40), "header is damaged"),
        (body(*GOOD, 0), "longer than its fields"),
        (body(0, 0, 2, 1, 1, 0), "offsets are not ascending"),
        (body(0, 0, 1, 1, 1, 0), "offsets are not ascending"),
        (body(0, *[0x80] * 10, 0, 0, 1, 1, 0), "number runs past"),
        (body(0, 0, *[0xFF] * 5, 0x01, 1, 1, 0), "number runs past"),
        (sealed(bytes([14, *GOOD])), "length is wrong"),
        (sealed(bytes([1, *GOOD])), "length is wrong"),
        (sealed(bytes([12, *GOOD, 0])), "left behind"),
        (sealed(bytes([12, *GOOD]), count=3), "claims 3 records"),
        (sealed(bytes([12, *GOOD]), attributes=5), "unknown compression codec 5"),
        *[(sealed(b"nonsense", attributes=i), f"{codecs.NAMES[i]} does not unpack") for i in range(1, 5)],
    ],
)
def test_damage_is_named(data, why):
    with pytest.raises(record_batch.BadBatch, match=why):
        record_batch.parse(data)


@pytest.mark.parametrize("codec", codecs.NAMES[1:])
def test_what_unpacks_to_too_much_is_refused(codec):
    packed = codecs.pack(codec, memoryview(bytes(1 << 20)))
    with pytest.raises(codecs.CodecError, match="more than 1000 bytes"):
        codecs.unpack(codecs.NAMES.index(codec), memoryview(packed), limit=1000)
    assert codecs.unpack(codecs.NAMES.index(codec), memoryview(packed)).tobytes() == bytes(1 << 20)


@pytest.mark.parametrize("codec", codecs.NAMES[1:])
def test_packed_bytes_cut_short_are_refused(codec):
    packed = codecs.pack(codec, memoryview(bytes(range(256)) * 40))
    for cut in (1, 5, len(packed) // 2, len(packed)):
        with pytest.raises(codecs.CodecError):
            codecs.unpack(codecs.NAMES.index(codec), memoryview(packed)[:-cut])


def test_snappy_without_xerials_framing():
    packed = bytes(cramjam.snappy.compress_raw(b"abc" * 100))
    assert codecs.unpack(2, memoryview(packed)).tobytes() == b"abc" * 100


@given(some, codec_names, st.data())
def test_any_mutation_gives_records_or_the_error(records, codec, data):
    batch = bytearray(built(records, codec))
    for _ in range(data.draw(st.integers(1, 4))):
        batch[data.draw(st.integers(0, len(batch) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        batch = batch[: data.draw(st.integers(0, len(batch)))]
    if len(batch) > 21 and data.draw(st.booleans()):
        resealed(batch)
    try:
        columns = record_batch.parse(batch)
    except record_batch.BadBatch:
        return
    for slices in (columns.keys, columns.values, columns.headers):
        assert (slices.start >= 0).all()
        assert (slices.start + slices.length <= slices.buffer.size).all()
    assert list(records_of(columns)) is not None
    assert (columns.offsets < columns.position).all()
