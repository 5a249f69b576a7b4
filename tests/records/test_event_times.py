"""Event times: where they are read, what they may look like, and both ways of reading against each other."""

import json
import math
from datetime import UTC, datetime

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.records.columns import Record, of_records
from streamgmm.records.event_times import clock
from streamgmm.settings import Input
from tests.records.decoding import check_whole, columns_of, decoder_of, packed, reasons

FORMS = ["msgpack", "json"]


def timed(values, form="msgpack", **more):
    settings = {"format": form, "features": "x", "event_time": "t", **more}
    columns = columns_of(values)
    read = clock(Input.model_validate({"topic": "t", **settings}))
    vectors, times = read.read(columns, decoder_of(**settings).decode(columns, 2))
    check_whole(vectors, len(values))
    assert times.shape == vectors.accepted.shape
    return vectors, times.tolist()


def test_without_a_field_it_is_the_timestamp_in_seconds_and_none_where_there_is_none():
    columns = of_records([Record(i, stamp, None, msgpack.packb([1, 2])) for i, stamp in enumerate([1500, -1, 0])], 3)
    vectors = decoder_of().decode(columns, 2)
    same, times = clock(Input(topic="t")).read(columns, vectors)
    assert same is vectors
    assert np.array_equal(times, [1.5, math.nan, 0], equal_nan=True)


@pytest.mark.parametrize("form", FORMS)
def test_numbers_and_texts(form):
    given = [5, 2.5, -1, "1970-01-01T00:01:00Z", "1970-01-01T01:00:00+01:00", "1970-01-01 00:00:02", "1970-01-02"]
    vectors, times = timed(packed([{"x": [1, 2], "t": t} for t in given], form), form)
    assert times == [5, 2.5, -1, 60, 0, 2, 86400]
    assert not vectors.rejected


@pytest.mark.parametrize("form", FORMS)
def test_milliseconds(form):
    _, times = timed(packed([{"x": [1, 2], "t": 1_700_000_000_500}], form), form, event_time_unit="ms")
    assert times == [1_700_000_000.5]


def test_timestamps_of_msgpack():
    value = msgpack.packb({"x": [1, 2], "t": datetime(1970, 1, 1, 0, 0, 3, tzinfo=UTC)}, datetime=True)
    assert timed([value])[1] == [3]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_no_time_is_rejected_with_all_vectors_of_the_record(form):
    bad = [None, "soon", True, [1], {}, math.nan, math.inf, 1.7e12, 10**18]
    values = [{"x": [[1, 2], [3, 4]], "t": t} for t in bad] + [{"x": [1, 2]}, [1, 2], {"x": [5, 6], "t": 7}]
    vectors, times = timed(packed(values, form), form)
    assert [row for row, _ in reasons(vectors)] == list(range(len(bad) + 2))
    assert {reason for _, reason in reasons(vectors)} == {"bad_event_time"}
    assert (times, vectors.matrix.tolist()) == ([7], [[5, 6]])
    assert vectors.rejected[0].message == "'t' is null"
    assert vectors.rejected[-1].message == "'t' is absent"
    assert "another unit" in vectors.rejected[7].message


def test_json_numbers_that_no_float_holds():
    text = b'{"x": [1, 2], "t": ' + b"9" * 400 + b"}"
    assert reasons(timed([text], "json")[0]) == [(0, "bad_event_time")]


@given(st.lists(st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=12)))
def test_both_ways_agree(given):
    for form in FORMS:
        values = packed([{"x": [1, 2], "t": t} for t in given], form)
        vectors, times = timed(values, form)
        general = clock(Input(topic="t", format=form, event_time="t"))
        found = [general._of(value) for value in values]
        assert [time for time in found if isinstance(time, float)] == times
        assert [i for i, time in enumerate(found) if isinstance(time, str)] == [row for row, _ in reasons(vectors)]


def test_the_dimension_and_the_rejected_stay_in_order():
    values = [json.dumps(v).encode() for v in ([1], {"x": [1, 2]}, {"x": [1, "a"], "t": 1}, {"x": [1, 2], "t": 2})]
    vectors, times = timed(values, "json")
    assert reasons(vectors) == [(0, "wrong_dimension"), (1, "bad_event_time"), (2, "wrong_type")]
    assert times == [2]
