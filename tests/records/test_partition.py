from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.records.columns import Record, of_records, records_of
from streamgmm.records.partition import route

keys = st.lists(st.none() | st.binary(max_size=20), max_size=20)


@given(keys, st.integers(1, 50), st.integers(1, 50), st.data())
def test_records_go_where_kafkas_own_clients_send_them(strings, source_count, target_count, data):
    source = data.draw(st.integers(0, source_count - 1))
    records = [Record(i, 0, key, b"v") for i, key in enumerate(strings)]
    routed = route(of_records(records, len(records)), source, source_count, target_count)
    expected: dict[int, list[Record]] = {}
    for record in records:
        partitions = list(range(target_count))
        target = source % target_count if record.key is None else DefaultPartitioner()(record.key, partitions, None)
        expected.setdefault(source if source_count == target_count else target, []).append(record)
    assert {target: list(records_of(part)) for target, part in routed.items()} == expected


def test_nothing_goes_nowhere():
    assert route(of_records([], 3), 0, 1, 1) == {}
