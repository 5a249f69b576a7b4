"""Every form of input, every reason to reject one, and both ways of decoding against each other."""

import json
import math

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.errors import SettingsError
from streamgmm.records import record_batch
from streamgmm.records.assemble import Bulk
from streamgmm.records.decoded import REASONS, Rejected
from tests.records.decoding import check_whole, columns_of, decoded, decoder_of, doubles, packed, reasons

FORMS = ["msgpack", "json"]
NAMED = [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize("form", FORMS)
def test_arrays_maps_and_arrays_of_arrays(form):
    values = [[1, 2.5], {"x": [3, 4]}, {"id": 7, "x": [[5, 6], [7, 8]], "z": {"y": [None]}}, [[9, 10]]]
    vectors = decoded(packed(values, form), format=form, features="x")
    assert vectors.matrix.tolist() == [[1, 2.5], [3, 4], [5, 6], [7, 8], [9, 10]]
    assert vectors.counts.tolist() == [1, 1, 2, 1]
    assert vectors.nested.tolist() == [False, False, True, True]
    assert vectors.weights.tolist() == [1] * 5
    check_whole(vectors, 4)


@pytest.mark.parametrize("form", FORMS)
def test_named_fields_in_the_order_of_the_settings(form):
    values = [{"b": 2, "id": "x", "a": 1}, {"a": 3, "b": 4.5}]
    vectors = decoded(packed(values, form), format=form, features=NAMED)
    assert vectors.matrix.tolist() == [[1, 2], [3, 4.5]]
    assert not vectors.nested.any()


@pytest.mark.parametrize("form", FORMS)
def test_a_field_named_weight_is_one_only_if_the_settings_say_so(form):
    vectors = decoded(packed([{"x": [1, 2], "weight": 7, "features": 1}], form), format=form, features="x")
    assert vectors.weights.tolist() == [1]


@pytest.mark.parametrize("form", FORMS)
def test_a_feature_may_be_the_weight_too(form):
    vectors = decoded(packed([{"a": 2, "b": 3}], form), format=form, features=NAMED, weight="b")
    assert vectors.matrix.tolist() == [[2, 3]]
    assert vectors.weights.tolist() == [3]


@pytest.mark.parametrize("form", FORMS)
def test_weights_are_one_number_one_each_or_absent(form):
    values = [{"x": [1], "w": 2}, {"w": 0.5, "x": [[1], [2]]}, {"x": [[1], [2]], "w": [3, 0]}, {"x": [1]}, [1]]
    vectors = decoded(packed(values, form), format=form, features="x", weight="w")
    assert vectors.weights.tolist() == [2, 0.5, 0.5, 3, 0, 1, 1]
    vectors = decoded(
        packed([{"a": 1, "b": 2, "w": 3}, {"a": 1, "b": 2}], form), format=form, features=NAMED, weight="w"
    )
    assert vectors.weights.tolist() == [3, 1]


def test_raw_bytes_in_msgpack_are_rows_of_float64():
    values = [{"x": doubles(1, 2)}, doubles(3, 4, 5, 6)]
    vectors = decoded(packed(values, "msgpack"), 2, features="x")
    assert vectors.matrix.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert vectors.nested.tolist() == [False, True]


@pytest.mark.parametrize(
    "value", [0, 127, -1, -32, 200, 2**16 - 1, 2**32 - 1, 2**64 - 1, -128, -(2**15), -(2**31), -(2**63), 2**53 + 1]
)
def test_every_width_of_integer(value):
    assert decoded([msgpack.packb([value])]).matrix.tolist() == [[float(value)]]


def test_float32_in_msgpack_and_raw():
    numbers = np.array([0.1, -2.5e30], np.float32)
    value = msgpack.packb(numbers.tolist(), use_single_float=True)
    assert decoded([value]).matrix.tolist() == [numbers.astype(float).tolist()]
    assert decoded([numbers.tobytes()], format="float32").matrix.tolist() == [numbers.astype(float).tolist()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_raw_rows(dtype):
    rows = np.arange(12, dtype=dtype).reshape(6, 2)
    values = [rows[:1].tobytes(), rows[1:4].tobytes(), rows[4:5].tobytes(), b"123", rows[5:].tobytes()]
    vectors = decoded(values, 2, format=dtype)
    assert vectors.matrix.tolist() == rows.tolist()
    assert vectors.counts.tolist() == [1, 3, 1, 1]
    assert vectors.nested.tolist() == [False, True, False, False]
    assert reasons(vectors) == [(3, "wrong_dimension")]
    check_whole(vectors, 5)


def test_raw_rows_out_of_a_batch():
    rows = np.arange(10.0).reshape(5, 2)
    (batch,) = record_batch.write(columns_of([row.tobytes() for row in rows]), max_bytes=1000)
    vectors = decoder_of(format="float64").decode(record_batch.parse(batch.data), 2)
    assert vectors.matrix.tolist() == rows.tolist()
    check_whole(vectors, 5)


ARRAY_REJECTIONS = [
    ([1, "2"], "wrong_type"),
    ([1, True], "wrong_type"),
    ("text", "wrong_type"),
    (5, "wrong_type"),
    (None, "wrong_type"),
    ({"y": [1, 2]}, "wrong_type"),
    ({"x": None}, "wrong_type"),
    ({"x": {}}, "wrong_type"),
    ([[1, 2], 3], "wrong_type"),
    ([1, [2]], "wrong_type"),
    ([], "no_vectors"),
    ({"x": []}, "no_vectors"),
    ([1], "wrong_dimension"),
    ([1, 2, 3], "wrong_dimension"),
    ([[]], "wrong_dimension"),
    ([[1, 2], [3]], "wrong_dimension"),
    ([1, math.inf], "not_finite"),
    ([[1, 2], [-math.inf, 1]], "not_finite"),
    ([math.nan, None], "all_missing"),
    ([[1, 2], [None, None]], "all_missing"),
    ({"x": [1, 2], "w": -1}, "bad_weight"),
    ({"x": [1, 2], "w": "1"}, "bad_weight"),
    ({"x": [1, 2], "w": True}, "bad_weight"),
    ({"x": [1, 2], "w": None}, "bad_weight"),
    ({"x": [1, 2], "w": math.nan}, "bad_weight"),
    ({"x": [1, 2], "w": math.inf}, "bad_weight"),
    ({"x": [1, 2], "w": 1.1e9}, "bad_weight"),
    ({"x": [1, 2], "w": 2**64 - 1}, "bad_weight"),
    ({"x": [1, 2], "w": [1, 1]}, "bad_weight"),
    ({"x": [[1, 2], [3, 4]], "w": [1, -1]}, "bad_weight"),
]
NAMED_REJECTIONS = [
    ([1, 2], "wrong_type"),
    ({"a": "1", "b": 2}, "wrong_type"),
    ({"a": True, "b": 2}, "wrong_type"),
    ({"a": [1], "b": 2}, "wrong_type"),
    ({"a": math.inf, "b": 2}, "not_finite"),
    ({}, "all_missing"),
    ({"a": None}, "all_missing"),
    ({"a": 1, "b": 2, "w": -0.5}, "bad_weight"),
    ({"a": 1, "b": 2, "w": 1.1e9}, "bad_weight"),
    ({"a": 1, "b": 2, "w": None}, "bad_weight"),
    ({"a": 1, "b": 2, "w": [1, 2]}, "bad_weight"),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("features", "table"), [("x", ARRAY_REJECTIONS), (NAMED, NAMED_REJECTIONS)])
def test_reasons_among_good_records(form, features, table):
    good = {"x": [1, 2], "a": 1, "b": 2, "w": 1}
    values = [value for pair in table for value in (pair[0], good)]
    vectors = decoded(packed(values, form), 2, format=form, features=features, weight="w")
    assert reasons(vectors) == [(2 * i, reason) for i, (_, reason) in enumerate(table)]
    assert vectors.matrix.tolist() == [[1, 2]] * len(table)
    check_whole(vectors, len(values))


@pytest.mark.parametrize("form", FORMS)
def test_the_largest_weight_is_taken(form):
    vectors = decoded(
        packed([{"x": [1], "w": 1e9}, {"x": [1], "w": 10**9}], form), format=form, features="x", weight="w"
    )
    assert vectors.weights.tolist() == [1e9, 1e9]


@pytest.mark.parametrize("form", FORMS)
def test_null_nan_and_an_absent_field_are_missing(form):
    vectors = decoded(packed([[1, None], [[math.nan, 2], [3, 4]]], form), 2, format=form)
    assert np.array_equal(vectors.matrix, [[1, math.nan], [math.nan, 2], [3, 4]], equal_nan=True)
    check_whole(vectors, 2)
    values = packed([{"a": 1, "b": None}, {"b": 1}, {"a": 1, "b": math.nan}], form)
    vectors = decoded(values, format=form, features=NAMED, weight="w")
    assert np.array_equal(vectors.matrix, [[1, math.nan], [math.nan, 1], [1, math.nan]], equal_nan=True)
    check_whole(vectors, 3)


@pytest.mark.parametrize("form", FORMS)
def test_an_infinite_value_is_named(form):
    (named,) = decoded(packed([{"a": -math.inf, "b": None}], form), format=form, features=NAMED).rejected
    assert named.message == "feature 'a' is infinite"
    (unnamed,) = decoded(packed([[1, math.inf]], form), 2, format=form).rejected
    assert unnamed.message == "feature 1 (counted from 0) is infinite"


@pytest.mark.parametrize("form", FORMS)
def test_missing_values_take_the_fast_way(form):
    decoder = decoder_of(format=form, features=NAMED)
    assert decoder.bulk(columns_of(packed([{"a": 1, "b": None}, {"b": 1}], form)), 2).counts.tolist() == [1, 1]
    decoder = decoder_of(format=form, features="x")
    assert decoder.bulk(columns_of(packed([{"x": [1, None]}, [[None, 1], [2, 3]]], form)), 2).counts.tolist() == [1, 2]


@pytest.mark.parametrize("form", ["msgpack", "json", "float32", "float64"])
def test_null_and_empty_values(form):
    assert reasons(decoded([None, b""], 2, format=form)) == [(0, "empty"), (1, "empty")]


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("json", b"{"),
        ("json", b"[1, 2] 3"),
        ("json", b"[1, 2"),
        ("json", b"\xff"),
        ("json", b"[" * 101 + b"]" * 101),
        ("json", b"[" * 100_000),
        ("msgpack", b"\xc1"),
        ("msgpack", b"\x92\x01"),
        ("msgpack", b"\x92\x01\x02\x03"),
        ("msgpack", b"\xdd\xff\xff\xff\xff\x01"),
        ("msgpack", b"\xc6\xff\xff\xff\xff\x01"),
        ("msgpack", b"\x82\xa1x\x92\x01\x02\xa1y\xa1\xff"),
        ("msgpack", b"\x91" * 101 + b"\x01"),
        ("msgpack", b"\x91" * 100_000),
        ("msgpack", b"\x82\xa1x\x92\x01\x02\x90\x01\xff"),
    ],
)
def test_undecodable(form, value):
    assert reasons(decoded([value], 2, format=form, features="x")) == [(0, "undecodable")]


def test_raw_reasons():
    values = [doubles(1, math.inf), doubles(math.nan, math.nan), doubles(1, 2, 3, math.nan), doubles(1), doubles(1, 2)]
    vectors = decoded(values, 2, format="float64")
    assert reasons(vectors) == [(0, "not_finite"), (1, "all_missing"), (3, "wrong_dimension")]
    assert np.array_equal(vectors.matrix, [[1, 2], [3, math.nan], [1, 2]], equal_nan=True)
    check_whole(vectors, 5)


def test_json_numbers_beyond_float64():
    values = [b"[1e999, 1]", b"[" + b"9" * 400 + b", 1]", b"[NaN, 1]", b"[-Infinity, 1]", b"[18446744073709551617, 1]"]
    vectors = decoded(values, 2, format="json")
    assert [reason for _, reason in reasons(vectors)][2:] == ["not_finite"]
    assert {reason for _, reason in reasons(vectors)[:2]} <= {"not_finite", "undecodable"}
    assert np.array_equal(vectors.matrix, [[math.nan, 1], [18446744073709551617.0, 1]], equal_nan=True)


def test_json_escapes_in_names_and_text():
    values = [b'{"\\u0078": [1, 2], "t": "\\"[{"}', b'{"t": "\\\\", "x": [3, 4]}']
    assert decoded(values, 2, format="json", features="x").matrix.tolist() == [[1, 2], [3, 4]]


def test_the_last_of_equal_names_counts():
    assert decoded([b"\x82\xa1x\x91\x01\xa1x\x91\x02"], 1, features="x").matrix.tolist() == [[2]]
    assert decoded([b'{"x": [1], "x": [2]}'], 1, format="json", features="x").matrix.tolist() == [[2]]


def test_the_dimension_comes_from_the_first_acceptable_record():
    values = [None, [1, math.inf, 3], [1, 2], [1, 2, 3], [4, 5]]
    vectors = decoded([None, *packed(values[1:], "msgpack")])
    assert reasons(vectors) == [(0, "empty"), (1, "not_finite"), (3, "wrong_dimension")]
    assert vectors.matrix.tolist() == [[1, 2], [4, 5]]
    assert vectors.accepted.tolist() == [2, 4]
    assert decoded([doubles(1, 2, 3)], format="float64").matrix.shape == (1, 3)
    check_whole(decoded([None, b"\xc1"]), 2)


def test_no_records():
    assert decoded([], 3).matrix.shape == (0, 3)
    assert decoded([]).matrix.shape == (0, 0)


TRANSFORMS = {"sqrt": (4, 2, -1), "log": (1, 0, 0), "log1p": (0, 0, -1), "logit": (0.5, 0, 1), "identity": (3, 3, None)}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_and_their_domains(form, name):
    value, expected, outside = TRANSFORMS[name]
    features = [{"name": "a"}, {"name": "b", "transform": name}]
    vectors = decoded(packed([{"a": 1, "b": outside}, {"a": 1, "b": value}], form), format=form, features=features)
    assert vectors.matrix[-1].tolist() == [1, expected]
    if outside is not None:
        assert reasons(vectors) == [(0, "transform_domain")]
        assert "'b'" in vectors.rejected[0].message
    check_whole(vectors, 2)


def test_what_is_missing_stays_missing_whatever_the_transform():
    features = [{"name": "a"}, *({"name": name, "transform": name} for name in TRANSFORMS)]
    vectors = decoded(packed([{"a": 1}, {"a": 1, "log": -1}, {"log": 1}], "msgpack"), features=features)
    assert reasons(vectors) == [(1, "transform_domain")]
    assert "'log'" in vectors.rejected[0].message
    expected = [[1, *[math.nan] * 5], [math.nan, math.nan, 0, *[math.nan] * 3]]
    assert np.array_equal(vectors.matrix, expected, equal_nan=True)


def test_standardise():
    features = [
        {"name": "a", "transform": {"mean": 3, "scale": 2}},
        {"name": "b", "transform": {"mean": 0, "scale": 1e-300}},
    ]
    vectors = decoded(packed([{"a": 5, "b": 0}, {"a": 5, "b": 1e300}], "msgpack"), features=features)
    assert vectors.matrix.tolist() == [[1, 0]]
    assert reasons(vectors) == [(1, "not_finite")]


@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=40))
def test_transforms_do_not_depend_on_the_batch(numbers):
    features = [{"name": "a", "transform": "log"}]
    values = packed([{"a": number} for number in numbers], "msgpack")
    whole = decoded(values, features=features).matrix
    single = np.concatenate([decoded([value], features=features).matrix for value in values])
    assert whole.tobytes() == single.tobytes()


@pytest.mark.parametrize(
    "settings",
    [
        {"features": "x", "weight": "x"},
        {"features": []},
        {"format": "float32", "weight": "w"},
        {"format": "float64", "features": NAMED},
    ],
)
def test_settings_that_contradict_each_other(settings):
    with pytest.raises((SettingsError, ValueError)):
        decoder_of(**settings)


# Anything at all, and both ways against each other.

numbers = st.integers(-(2**63), 2**64 - 1) | st.floats() | st.floats(width=32)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=4) | st.binary(max_size=20)
names = st.sampled_from(["x", "a", "b", "w", "weight", "features"]) | st.text(max_size=2)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5), max_leaves=12
)
vector = st.lists(numbers, min_size=2, max_size=2)
likely = st.fixed_dictionaries(
    {"x": vector | st.lists(vector, max_size=3) | st.binary(min_size=16, max_size=16) | trees},
    optional={"a": numbers, "b": numbers | trees, "w": numbers | st.lists(numbers, max_size=3), "z": trees},
)
layouts = st.sampled_from(
    [{"features": "x"}, {"features": "x", "weight": "w"}, {"features": NAMED}, {"features": NAMED, "weight": "w"}]
)


def jsonable(tree):
    if isinstance(tree, dict):
        return {name: jsonable(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [jsonable(value) for value in tree]
    return tree.hex() if isinstance(tree, bytes) else tree


def generally(decoder, value):
    try:
        return decoder.rows(value, 2)
    except Rejected as why:
        return why.reason


def check_both_ways(decoder, values):
    """The fast way gives what the general one gives, for every value that it takes."""
    vectors = decoder.decode(columns_of(values), 2)
    check_whole(vectors, len(values))
    assert {rejection.reason for rejection in vectors.rejected} <= set(REASONS)
    bulk: Bulk = decoder.bulk(columns_of(values), 2)
    ends = np.cumsum(bulk.counts)
    for value, count, end, nested in zip(values, bulk.counts, ends, bulk.nested, strict=True):
        if count:
            rows = generally(decoder, value)
            assert not isinstance(rows, str), (value, rows)
            assert np.array_equal(rows.matrix, bulk.matrix[end - count : end], equal_nan=True)
            assert rows.weights.tobytes() == bulk.weights[end - count : end].tobytes()
            assert rows.nested == nested
    assert bulk.matrix.shape == (bulk.counts.sum(), 2)


@given(st.lists(trees | likely, max_size=5), layouts)
def test_any_msgpack_tree(values, layout):
    check_both_ways(decoder_of(**layout), packed(values, "msgpack"))


@given(st.lists((trees | likely).map(jsonable), max_size=5), layouts, st.booleans())
def test_any_json_tree(values, layout, ascii_only):
    texts = [json.dumps(value, ensure_ascii=ascii_only).encode(errors="surrogatepass") for value in values]
    check_both_ways(decoder_of(format="json", **layout), texts)


@given(st.lists(st.binary(max_size=60), max_size=4), layouts, st.sampled_from(FORMS))
def test_any_bytes(values, layout, form):
    check_both_ways(decoder_of(format=form, **layout), values)


@given(st.lists(st.binary(max_size=40), max_size=6), st.sampled_from(["float32", "float64"]))
def test_any_raw_bytes(values, form):
    check_both_ways(decoder_of(format=form), values)


@given(st.lists(likely, min_size=1, max_size=3), layouts, st.data(), st.sampled_from(FORMS))
def test_any_mutation(values, layout, data, form):
    mutated = []
    for value in packed([jsonable(value) if form == "json" else value for value in values], form):
        raw = bytearray(value)
        for _ in range(data.draw(st.integers(0, 3))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        mutated.append(bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw))
    check_both_ways(decoder_of(format=form, **layout), mutated)


def test_a_common_layout_takes_the_fast_way_whole():
    rng = np.random.default_rng(0)
    values = [
        {"id": int(rng.integers(10 ** rng.integers(1, 12))), "who": "Zoë", "x": rng.normal(size=2).tolist()}
        for _ in range(99)
    ]
    assert decoder_of(features="x").bulk(columns_of(packed(values, "msgpack")), 2).counts.tolist() == [1] * 99
    assert (
        decoder_of(format="json", features="x")
        .bulk(columns_of([json.dumps(v, ensure_ascii=False).encode() for v in values]), 2)
        .counts.tolist()
        == [1] * 99
    )


@pytest.mark.parametrize(
    "bad",
    [
        "[1,2]x", "[1,,2]", "[1,2,]", "[01,2]", "[1.,2]", "[.5,2]", "[+1,2]", "[1e,2]", "[1 2]", "[1,2", "1,2]", "nul",
        "[--1,2]", '{"x":[1,2],}', '{"x" [1,2]}', '{"x":[1,2]}}', '{"x":[1,2]', '{x:[1,2]}', '{"y":"\x01","x":[1,2]}',
        '{"y":tru,"x":[1,2]}', '{"y":[1,{"z":]},"x":[1,2]}', '{"y":"\\q","x":[1,2]}', '{"y":"\\u12g4","x":[1,2]}',
    ],
)  # fmt: skip
def test_damaged_json_is_rejected_and_its_neighbours_are_not(bad):
    good = b'{"x": [1, 2]}'
    vectors = decoded([good, bad.encode(), good], 2, format="json", features="x")
    assert vectors.accepted.tolist() == [0, 2]
    assert reasons(vectors) == [(1, "undecodable")]


def test_plain_json_takes_the_fast_way_however_it_is_written():
    values = [
        b'\n{ "x" :\t[ 1 , 2e0 ] }\r\n',
        b'{"text": "\\"x\\": [\\u00e9 \\\\", "x": [1, 2]}',
        '{"é": {"x": [[], {}, [true, null]]}, "x": [1.0, 2]}'.encode(),
        b'{"x": [3, 4], "x": [1, 2]}',
        b"[1,2]",
    ]
    bulk = decoder_of(format="json", features="x").bulk(columns_of(values), 2)
    assert bulk.counts.tolist() == [1] * 5
    assert bulk.matrix.tolist() == [[1, 2]] * 5


def test_a_claim_of_many_rows_does_not_fill_the_memory():
    value = msgpack.packb({"x": [[]] * 60_000})
    assert reasons(decoded([value] * 3, 10_000, features="x")) == [(i, "wrong_dimension") for i in range(3)]
