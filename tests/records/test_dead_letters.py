from streamgmm.records import record_batch
from streamgmm.records.columns import Record, of_records, records_of
from streamgmm.records.dead_letters import dead_letters
from streamgmm.records.vectors import Rejection


def test_the_record_is_untouched_and_says_why():
    records = [
        Record(40, 5, b"k", b"\xc1", (("h", None), ("h", b"\xff"))),
        Record(41, 6, None, b"ok"),
        Record(43, 7, None, None),
    ]
    rejections = [Rejection(0, "undecodable", "no msgpack: café"), Rejection(2, "empty", "the record has no value")]
    letters = dead_letters(of_records(records, 44), rejections, "players", 3)
    (batch,) = record_batch.write(letters, max_bytes=10_000)
    read = list(records_of(record_batch.parse(batch.data)))
    for letter, rejection in zip(read, rejections, strict=True):
        record = records[rejection.record]
        assert letter[1:4] == record[1:4]
        assert letter.headers == (
            *record.headers,
            ("streamgmm-error-reason", rejection.reason.encode()),
            ("streamgmm-error-message", rejection.message.encode()),
            ("streamgmm-error-topic", b"players"),
            ("streamgmm-error-partition", b"3"),
            ("streamgmm-error-offset", str(record.offset).encode()),
        )


def test_no_rejections_no_letters():
    assert dead_letters(of_records([Record(0, 0, None, b"v")], 1), [], "t", 0).offsets.size == 0
