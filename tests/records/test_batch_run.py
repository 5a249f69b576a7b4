"""Runs of batches against aiokafka's own reader of a fetch: aborted transactions, markers, gaps, codecs, positions."""

import struct

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.broker.kafka_feed import Piece, joined
from streamgmm.records import batch_run, batch_scan, codecs
from streamgmm.records.columns import Record, records_of
from tests.records.test_record_batch import built, codec_names, resealed, texts

CONTROL, APPEND_TIME = 0x20, 0x08
ABORT, COMMIT = 0, 1

headers = st.lists(st.tuples(st.text(max_size=3), texts), max_size=2).map(tuple)
content = st.lists(st.tuples(st.integers(0, 2**40), texts, texts, headers), min_size=1, max_size=4)
kinds = st.sampled_from(["plain", "transactional", ABORT, COMMIT])
one_batch = st.tuples(
    kinds, st.integers(1, 3), content, codec_names, st.booleans(), st.integers(0, 3), st.integers(0, 2)
)


def placed(data, base, *, gap=0, control=False, append_time=False):
    """The batch as a broker stores it: at its offset, perhaps with records behind its last one compacted away."""
    stored = bytearray(data)
    struct.pack_into(">q", stored, 0, base)
    attributes, last = struct.unpack_from(">hi", stored, 21)
    attributes |= (CONTROL if control else 0) | (APPEND_TIME if append_time else 0)
    struct.pack_into(">hi", stored, 21, attributes, last + gap)
    return bytes(resealed(stored))


def marker(kind, producer):
    return built([Record(0, 7, struct.pack(">hh", 0, kind), bytes(6))], transactional=True, producer_id=producer)


def log_of(batches):
    """The bytes of a log, and its aborted transactions as (producer, first offset)."""
    data, offset, opened, aborted = b"", 0, {}, []
    for kind, producer, records, codec, append_time, gap, hole in batches:
        offset += hole  # whole batches that compaction took
        if kind in (ABORT, COMMIT):
            stored = placed(marker(kind, producer), offset, control=True)
            first = opened.pop(producer, None)
            if kind == ABORT and first is not None:
                aborted.append((producer, first))
            offset += 1
        else:
            some = [Record(i, *fields) for i, fields in enumerate(records)]
            stamps = {"transactional": True, "producer_id": producer} if kind == "transactional" else {}
            stored = placed(built(some, codec, **stamps), offset, gap=gap, append_time=append_time)
            if kind == "transactional":
                opened.setdefault(producer, offset)
            offset += len(some) + gap
        data += stored
    return data, aborted, offset


def answer(stored, wanted):
    """What a broker answers: from the batch on that holds the wanted offset."""
    for header in batch_run.scan(stored).headers:
        if header[batch_scan.POSITION] > wanted:
            return stored[header[batch_scan.START] :]
    return b""


def read_by_aiokafka(data, wanted, aborted, isolation):
    memory = MemoryRecords(data)
    found = PartitionRecords(
        TopicPartition("t", 0), memory, list(aborted), wanted, None, None, check_crcs=True, isolation_level=isolation
    )
    records = [Record(r.offset, r.timestamp, r.key, r.value, r.headers) for r in found]
    return records, found.next_fetch_offset


@given(st.lists(one_batch, min_size=1, max_size=8), st.data())
def test_a_run_equals_what_aiokafka_reads_of_it(batches, data):
    """From any position on, committed or not, and with the last batch cut short anywhere."""
    stored, aborted, end = log_of(batches)
    wanted = data.draw(st.integers(0, end))
    stored = answer(stored, wanted)
    stored = stored[: data.draw(st.integers(0, len(stored)))]
    for isolation, listed in ((READ_COMMITTED, aborted), (READ_UNCOMMITTED, None)):
        scanned = batch_run.scan(stored)
        run = batch_run.read(scanned, wanted, listed)
        records, position = read_by_aiokafka(stored, wanted, listed or [], isolation)
        assert run.damage is None
        assert list(records_of(run.columns)) == records
        assert run.columns.position == scanned.position(wanted) == max(position, wanted)


@given(st.lists(one_batch, min_size=1, max_size=8), st.data())
def test_answers_that_follow_one_another_read_as_one(batches, data):
    """However the broker cuts its answers; a transaction that several of them meet is listed in each."""
    stored, aborted, _ = log_of(batches)
    whole = batch_run.scan(stored)
    cuts = sorted(data.draw(st.sets(st.sampled_from([0, *whole.headers[:, batch_scan.END].tolist()]))) | {0})
    pieces, wanted = [], 0
    for start, stop in zip(cuts, [*cuts[1:], len(stored)], strict=True):
        run = batch_run.scan(stored[start : min(stop + data.draw(st.integers(0, 40)), len(stored))])
        run = batch_run.scan(stored[start:stop]) if run.behind > stop - start else run
        behind = run.position(wanted)
        pieces.append(Piece(0, wanted, run, [each for each in aborted if each[1] < behind]))
        wanted = behind
    for listed in (True, False):
        (piece,) = joined(pieces)
        found = batch_run.read(piece.run, piece.wanted, piece.aborted if listed else None)
        plain = batch_run.read(whole, 0, aborted if listed else None)
        assert (found.damage, found.columns.position) == (None, plain.columns.position)
        assert list(records_of(found.columns)) == list(records_of(plain.columns))


def test_damage_in_a_later_answer_is_found_behind_the_good_records():
    first, second, third = three()
    bad = second[:-1] + bytes([second[-1] ^ 1])
    (piece,) = joined([Piece(0, i, batch_run.scan(part), []) for i, part in enumerate((first, bad, third))])
    run = batch_run.read(piece.run, piece.wanted, piece.aborted)
    assert [r.value for r in records_of(run.columns)] == [b"a"]
    assert run.columns.position == 1
    assert run.damage is not None
    assert "checksum" in run.damage.why
    (piece,) = joined([Piece(0, 0, batch_run.scan(first), []), Piece(0, 1, batch_run.scan(b"\0" * 100), [])])
    damage = batch_run.read(piece.run, piece.wanted, piece.aborted).damage
    assert damage is not None
    assert damage.place == len(first)


def run_of(data, wanted=0, **how):
    return batch_run.read(batch_run.scan(data), wanted, [], **how)


def three(codec="none"):
    return [placed(built([Record(0, 5, None, text)], codec), i) for i, text in enumerate((b"a", b"b" * 40, b"c"))]


@pytest.mark.parametrize("codec", codecs.NAMES)
def test_what_is_damaged_ends_the_run_and_loses_nothing_before_it(codec):
    first, second, third = three(codec)
    for place, why in ((len(second) - 1, "checksum"), (0, "contradicts"), (61, "checksum"), (11, "")):
        bad = bytearray(second)
        bad[place] ^= 0x80
        run = run_of(first + bytes(bad) + third)
        assert [r.value for r in records_of(run.columns)] == [b"a"]
        assert run.columns.position == 1
        if place == 11:  # a length that is too large: not told from a batch that is cut short
            continue
        assert run.damage is not None
        assert run.damage.place == len(first)
        assert why in run.damage.why


def test_without_checksums_only_structure_counts():
    bad = bytearray(placed(built([Record(0, 5, None, b"value")]), 0))
    bad[-2] ^= 1
    assert run_of(bytes(bad)).damage is not None
    assert [r.value for r in records_of(run_of(bytes(bad), check_crcs=False).columns)] == [b"valud"]
    bad[61] = 0x7E
    run = run_of(bytes(bad), check_crcs=False)
    assert run.damage is not None
    assert "a record's length is wrong" in run.damage.why


def test_a_batch_that_does_not_follow_the_one_before_is_damaged():
    first, second, third = three()
    run = run_of(first + third + second)
    assert run.damage is not None
    assert run.damage.place == len(first + third)
    assert "does not follow" in run.damage.why


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, 1])
def test_old_formats_are_told_from_damage_by_their_checksum(magic, codec):
    builder = LegacyRecordBatchBuilder(magic=magic, compression_type=codec, batch_size=1000)
    builder.append(0, 1, b"k", b"v" * 100)
    old = bytearray(builder.build())
    struct.pack_into(">q", old, 0, 1)
    run = run_of(three()[0] + bytes(old))
    assert run.damage is not None
    assert (run.damage.old, len(run.columns.offsets)) == (magic, 1)
    old[-1] ^= 1
    run = run_of(three()[0] + bytes(old))
    assert run.damage is not None
    assert run.damage.old is None
