"""Records read by the layout of their batch's first: what a walk through each of them would have given."""

import msgspec
import numpy as np
import pytest

from streamgmm.records import msgpack_alike
from streamgmm.records.columns import Record, of_records, slices_of, take_slices
from streamgmm.records.msgpack_walker import locate, room
from streamgmm.records.vectors import decoder
from streamgmm.settings import Input

VALUES = [
    [1.5, 2.5],
    [[1.5, 2.5], [3.5, None]],
    {"id": 1 << 20, "x": [1.5, 2], "name": "one"},
    {"x": [[1.5, 2.5], [3, 4]], "w": [1, 2]},
    {"a": 1.5, "w": 0.5, "b": None, "more": {"deep": [1, [2, {"é": True}]]}},
    {"x": np.arange(2.0).tobytes()},
    {"a": 1.5, "b": msgspec.msgpack.Ext(5, b"12")},
]
WAYS = [
    {"features": "x", "weight": "w"},
    {"features": "x"},
    {"features": ["a", "b"], "weight": "w"},
]


def mutated(value: bytes, n: int, rng: np.random.Generator) -> list[bytes]:
    """Copies with none, one or two bytes changed, cut off, added or doubled."""
    out = []
    for _ in range(n):
        copy = bytearray(value)
        for _ in range(int(rng.integers(3))):
            at = int(rng.integers(len(copy)))
            copy[at] = int(rng.choice([rng.integers(256), 0xC0, 0xCA, 0xCB, 0x92, 0xA1, 0x01]))
        end = len(copy) - int(rng.integers(2)) if rng.random() < 0.1 else len(copy)
        out.append(bytes(copy[:end]) * (2 if rng.random() < 0.05 else 1))
    return out


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
@pytest.mark.parametrize("first_is_sound", [True, False])
def test_places_are_those_of_a_walk(value: object, first_is_sound: bool) -> None:
    sound = msgspec.msgpack.encode(value)
    texts = [sound if first_is_sound else b"\xc1", *mutated(sound, 500, np.random.default_rng(1))]
    values, names = slices_of(texts), slices_of([b"x", b"w", b"a", b"b"])
    values = take_slices(values, np.random.default_rng(2).permutation(len(texts))) if not first_is_sound else values
    for bare in (True, False):
        walked = np.empty((len(texts), 5), np.int64)
        locate(values, names, bare, room(), walked)
        found = msgpack_alike.located(values, names, bare=bare)
        sound_ones = walked[:, -1] >= 0
        assert (found[:, -1] == walked[:, -1]).all()
        assert (found[sound_ones] == walked[sound_ones]).all()
        assert not first_is_sound or sound_ones.sum() > 25 or not (bare or isinstance(value, dict))


@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
@pytest.mark.parametrize("how", WAYS, ids=str)
def test_a_batch_is_read_as_its_records_one_by_one(value: object, how: dict[str, object]) -> None:
    ways = decoder(Input.model_validate({"topic": "t", **how}))
    sound = msgspec.msgpack.encode(value)
    texts = [sound, *mutated(sound, 60, np.random.default_rng(3))]
    whole = ways.decode(of_records([Record(i, 0, None, text) for i, text in enumerate(texts)], len(texts)), 2)
    singles = [ways.decode(of_records([Record(0, 0, None, text)], 1), 2) for text in texts]
    assert whole.accepted.tolist() == [i for i, one in enumerate(singles) if one.accepted.size]
    assert [(r.record, r.reason) for r in whole.rejected] == [
        (i, one.rejected[0].reason) for i, one in enumerate(singles) if one.rejected
    ]
    assert np.array_equal(whole.matrix, np.concatenate([one.matrix for one in singles]), equal_nan=True)
    assert np.array_equal(whole.weights, np.concatenate([one.weights for one in singles]))


def test_of_no_records() -> None:
    assert msgpack_alike.located(slices_of([]), slices_of([b"x"]), bare=True).shape == (0, 2)
