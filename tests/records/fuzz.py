"""Mutated batches and values by the million, through the parser and the decoders: `fuzz(count)`.

The loops over batches are compiled themselves. A batch gives a fault, or as many records as its header says, each with
its parts inside the bytes. Of values the fast way reads some and leaves the others to the general decoder; a sample is
read by both and compared. Run with NUMBA_BOUNDSCHECK=1 an index outside of an array is an IndexError.
"""

import msgpack
import numpy as np

from streamgmm.records import batch_run, batch_scan, record_parser
from streamgmm.records.columns import Record, RecordColumns, Slices, frozen, of_records, records_of, take
from streamgmm.records.compiled import compiled
from streamgmm.records.decoded import Rejected, usable
from streamgmm.records.record_batch import write
from streamgmm.records.vectors import decoder
from streamgmm.settings import Input

CHUNK = 10_000  # values at a time
SAMPLE = 20  # of each chunk, read by both ways
ODD_BYTES = np.array([0, 1, 0x7F, 0x80, 0x90, 0xC4, 0xCA, 0xDC, 0xDF, 0xFF], np.uint8)
ODD_TEXT = np.frombuffer(b'[]{},:"\\-+.0123456789eEntf \n\xc3', np.uint8)
LAYOUTS = [
    {"features": "x"},
    {"features": "x", "weight": "w"},
    {"features": [{"name": "a"}, {"name": "b"}], "weight": "w"},
    {"format": "float32"},
    {"format": "float64"},
    {"format": "json", "features": "x"},
    {"format": "json", "features": "x", "weight": "w"},
    {"format": "json", "features": [{"name": "a"}, {"name": "b"}], "weight": "w"},
]


@compiled
def _random(state) -> np.uint64:  # xorshift
    x = state[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    state[0] = x
    return x


@compiled
def _mutate(data, start, length, odd, state) -> None:
    """Up to four bytes anew, half of them from those that mean something."""
    for _ in range(np.int64(_random(state) % np.uint64(5))):
        place = start + np.int64(_random(state) % np.uint64(length))
        drawn = _random(state)
        if drawn & np.uint64(1):
            data[place] = odd[np.int64((drawn >> np.uint64(8)) % np.uint64(odd.size))]
        else:
            data[place] = np.uint8((drawn >> np.uint64(8)) & np.uint64(0xFF))


@compiled
def _batches(base, work, headers, sections, places, odd, state, count):
    """How many batches were good and how many records they held; -1 where something is wrong with one that was."""
    good, held = 0, 0
    for _ in range(count):
        for i in range(base.size):
            work[i] = base[i]
        _mutate(work, 0, base.size, odd, state)
        size = base.size if _random(state) & np.uint64(3) else np.int64(_random(state) % np.uint64(base.size + 1))
        data = work[:size]
        batch_scan.frames(data)
        found, _behind, _fault = batch_scan.scan(data, headers)
        for row in range(found):
            records = headers[row, batch_scan.COUNT]
            start = headers[row, batch_scan.START] + batch_scan.HEADER_SIZE
            if records > places.shape[1] or records * 7 > headers[row, batch_scan.END] - start:
                continue
            sections[0, 0], sections[0, 1] = start, headers[row, batch_scan.END]
            sections[0, 2], sections[0, 3] = records, headers[row, batch_scan.LAST_DELTA]
            sections[0, 4], sections[0, 5], sections[0, 6] = 0, 0, 1
            fault, _, _ = batch_scan.locate_all(data, sections, places)
            if fault:
                continue
            good, held = good + 1, held + records
            for i in range(records):
                for part in (record_parser.KEY, record_parser.VALUE, record_parser.HEADERS):
                    at, length = places[part, i], max(places[part + 1, i], 0)
                    if at < start or at + length > headers[row, batch_scan.END]:
                        return -1, i
                if i and places[record_parser.OFFSET, i] <= places[record_parser.OFFSET, i - 1]:
                    return -1, i
    return good, held


def fuzz_batches(count: int) -> int:
    """Mutations of a run of two batches. Returns how many batches were still good."""
    some = [Record(i, i, b"key", b"value %d" % i, (("h", b"x"), ("n", None))) for i in range(4)]
    (batch,) = write(of_records(some, 4), max_bytes=1 << 20)
    base = np.frombuffer(bytes(batch.data) * 2, np.uint8).copy()
    base[len(batch.data) + 7] = 4  # the second one's base offset
    assert len(batch_run.read(batch_run.scan(base.tobytes()), 0, None, check_crcs=False).columns.offsets) == 8
    room = (np.empty((8, batch_scan.FIELDS), np.int64), np.empty((1, batch_scan.SECTION), np.int64))
    state = np.array([88172645463325252], np.uint64)
    places = record_parser.places(16)
    good, held = _batches(base, base.copy(), *room, places, ODD_BYTES, state, count)
    assert good >= 0, held
    assert held > good
    return int(good)


def values() -> list[bytes]:
    pack = msgpack.packb
    return [
        pack({"id": 7, "x": [1.5, -2.0]}),
        pack({"x": [3, 70000], "w": 2, "s": "é"}),
        pack({"x": [[1.0, 2.0], [3.0, -4.0]], "w": [1, 0.5]}),
        pack([1.0, 2.0]),
        pack({"a": 1.0, "b": -3, "w": 1.5, "t": None}),
        pack({"x": np.array([1.0, 2.0]).tobytes()}),
        np.array([1, 2], "<f4").tobytes(),
        np.array([[1, 2], [3, 4]], "<f8").tobytes(),
    ]


def texts() -> list[bytes]:
    return [
        b'{"id": 7, "x": [1.5, -2.0e-3]}',
        b'{"x":[3,70000],"w":2,"s":"\xc3\xa9 \\u00e9 \\n"}',
        b'{"x": [[1.0, 2.0], [3.0, -4.0]], "w": [1, 0.5]}',
        b" [1.0,\n2.0] ",
        b'{"a": 0.1, "b": -3, "w": 1.5, "t": null, "u": [true, {"v": []}], "z": {}}',
        b'{"a": null, "b": 123456789.12345678}',
    ]


@compiled
def _mutate_all(data, starts, lengths, odd, state) -> None:
    for i in range(starts.size):
        _mutate(data, starts[i], lengths[i], odd, state)


def chunk(state: np.ndarray, originals: list[bytes], odd: np.ndarray) -> RecordColumns:
    """Mutated values, one behind the other."""
    repeated = (originals * (CHUNK // len(originals) + 1))[:CHUNK]
    columns = of_records([Record(i, 0, None, value) for i, value in enumerate(repeated)], CHUNK)
    data = columns.values.buffer.copy()
    _mutate_all(data, columns.values.start, columns.values.length, odd, state)
    return columns._replace(values=Slices(frozen(data), columns.values.start, columns.values.length))


def fuzz_values(count: int) -> int:
    """Every mutated value by one of the layouts in turn. Returns how many the fast way read."""
    decoders = [decoder(Input.model_validate({"topic": "t", **layout})) for layout in LAYOUTS]
    state, read = np.array([362436069], np.uint64), 0
    for number in range(max(1, count // CHUNK)):
        layout = number % len(decoders)
        given = (texts(), ODD_TEXT) if LAYOUTS[layout].get("format") == "json" else (values(), ODD_BYTES)
        ways, columns = decoders[layout], chunk(state, *given)
        bulk = ways.bulk(columns, 2)
        assert bulk.counts.sum() == len(bulk.matrix) == len(bulk.weights)
        assert usable(bulk.matrix).all()
        assert (bulk.weights >= 0).all()
        read += int((bulk.counts > 0).sum())
        compare(ways, take(columns, slice(number % 7, None, CHUNK // SAMPLE)))
    return read


def compare(ways, columns: RecordColumns) -> None:
    """Nothing is lost, and both ways give the same numbers."""
    vectors = ways.decode(columns, 2)
    assert len(vectors.accepted) + len(vectors.rejected) == len(columns.offsets)
    first = 0
    accepted = dict(zip(vectors.accepted.tolist(), vectors.counts.tolist(), strict=True))
    for row, record in enumerate(records_of(columns)):
        try:
            rows = ways.rows(record.value, 2)
        except Rejected:
            assert row not in accepted
            continue
        assert accepted[row] == len(rows.matrix)
        assert np.array_equal(vectors.matrix[first : first + accepted[row]], rows.matrix, equal_nan=True)
        assert np.array_equal(vectors.weights[first : first + accepted[row]], rows.weights)
        first += accepted[row]


def fuzz(count: int) -> str:
    """`count` batches and values together."""
    good, read = fuzz_batches(count // 2), fuzz_values(count // 2)
    return f"{count} mutations: {good} batches still good, {read} values read by the fast way"


if __name__ == "__main__":
    import sys

    print(fuzz(int(float(sys.argv[1]))))  # noqa: T201
