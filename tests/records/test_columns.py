import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.records.columns import (
    Record,
    concatenate,
    empty,
    nbytes,
    of_parts,
    of_records,
    records_of,
    slices_of,
    string,
    take,
)

texts = st.none() | st.binary(max_size=40)
headers = st.lists(st.tuples(st.text(max_size=5), texts), max_size=3).map(tuple)
records = st.lists(st.builds(Record, st.integers(0, 2**62), st.integers(-1, 2**50), texts, texts, headers), max_size=12)


@given(records, st.integers(0, 2**62))
def test_records_survive_the_way_through_columns(expected, position):
    columns = of_records(expected, position)
    assert list(records_of(columns)) == expected
    assert columns.position == position


@given(st.lists(texts, max_size=20))
def test_slices_hold_the_strings(strings):
    slices = slices_of(strings)
    assert [string(slices, i) for i in range(len(strings))] == strings


@given(st.lists(records, min_size=1, max_size=4))
def test_concatenate_is_one_part_after_the_other(parts):
    columns = concatenate([of_records(part, i) for i, part in enumerate(parts)])
    assert list(records_of(columns)) == [record for part in parts for record in part]
    assert columns.position == len(parts) - 1


def test_concatenate_copies_a_shared_buffer_once():
    columns = of_records([Record(i, 0, b"k", b"v" * 1000) for i in range(10)], 10)
    both = concatenate([take(columns, np.array([0])), take(columns, np.array([1]))])
    assert both.values.buffer.nbytes < 11_000
    assert nbytes(both) < 12_000


def test_concatenate_refuses_nothing():
    with pytest.raises(ValueError, match="no columns"):
        concatenate([])


@given(records, st.data())
def test_take_by_index_and_by_mask(expected, data):
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(expected), max_size=len(expected))), bool)
    columns = of_records(expected, 7)
    wanted = [record for record, kept in zip(expected, mask, strict=True) if kept]
    assert list(records_of(take(columns, mask))) == wanted
    assert list(records_of(take(columns, np.flatnonzero(mask)))) == wanted


def test_everything_is_read_only():
    columns = of_records([Record(0, 0, b"a", None, (("h", b"x"),))], 1)
    for part in (columns, take(columns, slice(0, 1)), concatenate([columns, columns]), empty(3)):
        for slices in (part.keys, part.values, part.headers):
            assert not any(array.flags.writeable for array in slices)
        assert not part.offsets.flags.writeable
        assert not part.timestamps.flags.writeable
        assert not part.header_counts.flags.writeable


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="2 values"):
        of_parts([None], [None, b""], [1], [1], headers=[()], position=2)
