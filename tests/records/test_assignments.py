import json
import math

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from streamgmm.records.assignments import Assignments, encoder
from streamgmm.records.columns import string
from streamgmm.settings import Output

READ = {"msgpack": msgpack.unpackb, "json": json.loads}
ORDER = ["component", "responsibilities", "log_likelihood", "outlier", "model", "generation", "ids_version"]


@st.composite
def assignments(draw):
    counts = draw(st.lists(st.integers(1, 20), min_size=1, max_size=5))
    n, k, r = sum(counts), draw(st.integers(1, 20)), len(counts)
    whole = st.integers(0, 2**63 - 1)
    return Assignments(
        draw(arrays.arrays(np.int64, n, elements=whole)),
        draw(arrays.arrays(np.float64, (n, k), elements=st.sampled_from([0, 0.125, 0.25, 1]) | st.floats(0, 1))),
        draw(arrays.arrays(np.float64, n, elements=st.floats(allow_nan=False))),
        draw(arrays.arrays(np.int8, n, elements=st.integers(-1, 1))),
        draw(arrays.arrays(np.int64, k, elements=whole)),
        draw(arrays.arrays(np.int64, r, elements=whole)),
        draw(whole),
        draw(whole),
        np.array(counts, np.int64),
    )


def expected(given, single, most, as_json):
    """The maps by plain Python."""
    maps, at = [], 0
    shares = given.responsibilities if as_json else given.responsibilities.astype(np.float32).astype(np.float64)
    for one, count, model in zip(single, given.counts, given.model, strict=True):
        rows = range(at, at + count)
        order = [
            np.argsort(-given.responsibilities[row], kind="stable")[: most if isinstance(most, int) else None]
            for row in rows
        ]
        fields = {
            "component": [int(given.component[row]) for row in rows],
            "responsibilities": [shares[row].tolist() for row in rows],
            "log_likelihood": [float(given.log_likelihood[row]) for row in rows],
            "outlier": [[False, True, None][given.outlier[row]] for row in rows],
        }
        if isinstance(most, int):
            fields["responsibilities"] = [
                [[int(given.ids[j]), shares[row][j]] for j in js] for row, js in zip(rows, order, strict=True)
            ]
        if most == "none":
            del fields["responsibilities"]
        if as_json:
            fields["log_likelihood"] = [x if math.isfinite(x) else None for x in fields["log_likelihood"]]
        first = {name: values[0] if one else values for name, values in fields.items()}
        maps.append(first | {"model": int(model), "generation": given.generation, "ids_version": given.ids_version})
        at += count
    return maps


@given(
    assignments(),
    st.sampled_from(["msgpack", "json"]),
    st.sampled_from(["all", "none"]) | st.integers(1, 25),
    st.data(),
)
def test_values_read_back(given_, form, most, data):
    single = np.array([count == 1 and data.draw(st.booleans()) for count in given_.counts])
    values = encoder(Output(format=form, responsibilities=most)).encode(given_, single)
    read = [READ[form](string(values, i)) for i in range(len(single))]
    assert read == expected(given_, single, most, form == "json")
    assert [name for name in ORDER if most != "none" or name != "responsibilities"] == list(read[0])
    assert not any(array.flags.writeable for array in values)


def simple(n=3):
    responsibilities = np.array([[0.25, 0.5, 0.25]] * n).reshape(n, 3)
    whole = np.arange(n)
    return Assignments(
        whole,
        responsibilities,
        np.zeros(n),
        np.zeros(n, np.int8),
        np.array([4, 2, 9]),
        whole,
        1,
        2,
        np.ones(n, np.int64),
    )


@pytest.mark.parametrize("form", ["msgpack", "json"])
def test_without_a_mask_every_record_is_plain(form):
    values = encoder(Output(format=form, responsibilities=2)).encode(simple(), None)
    assert READ[form](string(values, 1)) == {
        "component": 1,
        "responsibilities": [[2, 0.5], [4, 0.25]],
        "log_likelihood": 0.0,
        "outlier": False,
        "model": 1,
        "generation": 1,
        "ids_version": 2,
    }


@pytest.mark.parametrize("form", ["msgpack", "json"])
def test_no_records_no_values(form):
    assert encoder(Output(format=form)).encode(simple(0), None).length.size == 0


def test_integers_take_their_shortest_form():
    for number in [
        0,
        127,
        128,
        255,
        256,
        65535,
        65536,
        2**32 - 1,
        2**32,
        2**63 - 1,
        -1,
        -32,
        -33,
        -128,
        -129,
        -(2**15),
        -(2**31),
        -(2**63),
    ]:
        one = simple(1)._replace(component=np.array([number]))
        packed = string(encoder(Output(responsibilities="none")).encode(one, None), 0)
        assert packed.startswith(b"\x86" + msgpack.packb("component") + msgpack.packb(number))
