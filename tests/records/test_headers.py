import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.records import record_batch
from streamgmm.records.columns import Record, of_records, records_of, slices_of, take
from streamgmm.records.headers import append, parse_source, source_headers

texts = st.none() | st.binary(max_size=200)
headers = st.lists(st.tuples(st.text(max_size=5), texts), max_size=3).map(tuple)
records = st.lists(st.builds(Record, st.integers(0, 2**63 - 1), st.just(0), texts, texts, headers), max_size=10)


@given(records, st.data())
def test_one_header_more(before, data):
    values = data.draw(st.lists(texts, min_size=len(before), max_size=len(before)))
    after = append(of_records(before, 0), "name-é".encode(), slices_of(values))
    expected = [
        record._replace(headers=(*record.headers, ("name-é", value)))
        for record, value in zip(before, values, strict=True)
    ]
    assert list(records_of(after)) == expected


@given(records, st.text(max_size=10), st.integers(0, 2**31 - 1))
def test_the_source_is_written_and_read_back(before, topic, partition):
    after = source_headers(of_records(before, 0), topic, partition)
    for record, old in zip(records_of(after), before, strict=True):
        value = f"{topic}/{partition}/{old.offset}".encode()
        assert record.headers == (*old.headers, ("streamgmm-source", value))
    sources = parse_source(after, topic)
    assert sources.found.all()
    assert sources.partition.tolist() == [partition] * len(before)
    assert sources.offset.tolist() == [record.offset for record in before]
    assert not parse_source(after, topic + "x").found.any()


@pytest.mark.parametrize(
    "value",
    [None, b"", b"t", b"t/", b"t/1", b"t/1/", b"t//2", b"t/1/2x", b"t/1/-2", b"t/1/2/3", b"u/1/2", b"t/1/" + b"9" * 19],
)
def test_what_is_no_source_is_not_found(value):
    columns = of_records([Record(0, 0, None, None, (("streamgmm-source", value),))], 1)
    sources = parse_source(columns, "t")
    assert (sources.found[0], sources.partition[0], sources.offset[0]) == (False, -1, -1)


def test_the_last_source_counts():
    chained = source_headers(source_headers(of_records([Record(7, 0, None, None)], 8), "first", 1), "second", 2)
    assert not parse_source(chained, "first").found[0]
    assert parse_source(chained, "second").offset[0] == 7


def test_added_headers_survive_a_batch():
    columns = of_records([Record(i, 0, b"k", b"v", (("old", None),)) for i in range(5)], 5)
    few = source_headers(take(columns, np.array([4, 2])), "t", 3)
    (batch,) = record_batch.write(few, max_bytes=10_000)
    assert parse_source(record_batch.parse(batch.data), "t").offset.tolist() == [4, 2]


def test_values_must_be_as_many_as_records():
    with pytest.raises(ValueError, match="1 header values for 0 records"):
        append(of_records([], 0), b"x", slices_of([b"y"]))
