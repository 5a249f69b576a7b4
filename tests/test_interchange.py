import json
import pickle
from typing import Any

import msgspec
import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from streamgmm import StreamingGaussianMixture, interchange
from streamgmm.drift import monitor
from streamgmm.engine.values import Live
from streamgmm.engine.values import State as EngineState
from streamgmm.mixture import kernel, stepwise_em
from streamgmm.service import checkpoint as checkpoints
from streamgmm.service.plain import from_plain, to_plain
from streamgmm.settings import Settings
from tests.mixture.samples import NAMES, bits

RNG = np.random.default_rng(3)
VECTORS = np.concatenate([RNG.normal(size=(300, 3)), RNG.normal(size=(200, 3)) * [2, 1, 0.5] + [6, 0, -3]])
MORE = RNG.normal(loc=(3, 0, 0), size=(150, 3))


@pytest.fixture(params=NAMES)
def estimator(request):
    model = StreamingGaussianMixture(
        2, covariance_type=request.param, batch_size=64, delay=3, exponent=0.7, random_state=0
    )
    return model.fit(VECTORS).partial_fit(MORE)


@pytest.mark.parametrize("suffix", [".json", ".msgpack"])
def test_a_saved_model_goes_on_as_if_it_had_not_been(estimator, suffix, tmp_path):
    path = tmp_path / f"model{suffix}"
    interchange.save(estimator, path)
    loaded = interchange.load(path)
    assert bits(loaded.state_) == bits(estimator.state_)
    assert bits(loaded.partial_fit(MORE).state_) == bits(estimator.partial_fit(MORE).state_)
    assert (loaded.batch_size, loaded.delay, loaded.exponent) == (64, 3, 0.7)


@pytest.mark.parametrize("suffix", [".json", ".msgpack"])
def test_vectors_with_gaps_that_wait_are_saved(estimator, suffix, tmp_path):
    learning, gappy = estimator.learning(), np.where(MORE > 2.9, np.nan, MORE)
    waiting, _ = stepwise_em.score(estimator.state_, gappy, None, learning)
    interchange.save(estimator.from_state(waiting, covariance_type=estimator.covariance_type), tmp_path / f"m{suffix}")
    loaded = interchange.load(tmp_path / f"m{suffix}").state_
    assert bits(loaded) == bits(waiting)
    assert bits(stepwise_em.learn(loaded, learning)) == bits(stepwise_em.learn(waiting, learning))


def test_a_pickled_model_goes_on_as_if_it_had_not_been(estimator):
    loaded = pickle.loads(pickle.dumps(estimator))
    assert bits(loaded.partial_fit(MORE).state_) == bits(estimator.partial_fit(MORE).state_)
    scans = (kernel.FULL.scan, kernel.DIAGONAL.scan)
    assert all(len(scan.signatures) <= 1 for scan in scans), "arrays that can be written to compile the kernel again"


def test_json_is_read_by_anyone(estimator):
    document = json.loads(interchange.to_json(estimator))
    means = document["live"]["mixture"]["parameters"]["means"]
    np.testing.assert_array_equal(np.reshape(means["data"], means["shape"]), estimator.means_)


def test_parameters_can_be_replaced_on_the_way_in(estimator):
    assert interchange.from_msgpack(interchange.to_msgpack(estimator), batch_size=10).batch_size == 10


def test_a_model_stays_of_its_type_and_number(estimator):
    data, other = interchange.to_json(estimator), {"full": "diag", "tied": "full", "diag": "tied", "spherical": "full"}
    wrong = other[estimator.covariance_type]
    with pytest.raises(ValueError, match=f"covariance_type is '{wrong}'"):
        interchange.from_json(data, covariance_type=wrong)
    with pytest.raises(ValueError, match=f"covariance_type is '{wrong}'"):
        interchange.from_scikit_learn(interchange.to_scikit_learn(estimator), covariance_type=wrong)
    with pytest.raises(ValueError, match="n_components must be that of the state, 2"):
        interchange.from_json(data, n_components=3)
    with pytest.raises(ValueError, match="covariance_type is"):
        StreamingGaussianMixture.from_state(estimator.state_, covariance_type=wrong)


def test_names_of_features_are_kept(estimator):
    estimator.feature_names_in_ = np.array(["a", "b", "c"], object)
    loaded = interchange.from_json(interchange.to_json(estimator))
    assert list(loaded.feature_names_in_) == ["a", "b", "c"]


def test_a_checkpoint_of_the_service_opens(estimator):
    live = Live(estimator.state_, np.array([4, 7]), 0, 0.0, monitor.init())
    checkpoint = checkpoints.of(
        EngineState({0: 5}, live, n_features=3),
        Settings.model_validate(
            {"input": {"topic": "t"}, "model": {"n_components": 2, "covariance_type": estimator.covariance_type}}
        ),
        checkpoints.Origin({0: 0}, {}, checkpoints.Partitions(1, 1, 1)),
    )
    loaded = interchange.from_msgpack(msgspec.msgpack.encode(to_plain(checkpoint)))
    assert bits(loaded.state_) == bits(estimator.state_)
    np.testing.assert_array_equal(loaded.predict_proba(MORE), estimator.predict_proba(MORE))
    assert not hasattr(loaded, "feature_names_in_")


def test_scikit_learn_says_the_same_of_a_model(estimator):
    model = interchange.to_scikit_learn(estimator)
    np.testing.assert_allclose(model.score_samples(MORE), estimator.score_samples(MORE), rtol=1e-10)
    np.testing.assert_allclose(model.predict_proba(MORE), estimator.predict_proba(MORE), atol=1e-10)
    assert model.bic(MORE) == pytest.approx(estimator.bic(MORE))
    assert model.aic(MORE) == pytest.approx(estimator.aic(MORE))
    np.testing.assert_array_equal(model.sample(5)[0].shape, (5, 3))


OTHER = {"tol": 0.5, "reg_covar": 0.25, "max_iter": 7, "n_init": 3, "random_state": 5, "warm_start": True}


@pytest.mark.parametrize("init_params", ["k-means++", "hierarchical"])
def test_parameters_that_both_have_go_along(init_params):
    ours = StreamingGaussianMixture(2, init_params=init_params, **OTHER).fit(VECTORS)
    theirs = interchange.to_scikit_learn(ours)
    assert {name: getattr(theirs, name) for name in OTHER} == OTHER
    assert theirs.init_params == {"hierarchical": "kmeans"}.get(init_params, init_params)
    assert theirs.fit(VECTORS).converged_
    back = interchange.from_scikit_learn(theirs, tol=0.75).get_params()
    assert {name: back[name] for name in OTHER} == OTHER | {"tol": 0.75}
    saved = interchange.from_json(interchange.to_json(ours)).get_params()
    assert {name: saved[name] for name in OTHER} == OTHER
    drawn = ours.set_params(random_state=np.random.RandomState(1))
    assert interchange.from_json(interchange.to_json(drawn)).random_state is None


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_scikit_learn_goes_on_here(name):
    model = GaussianMixture(2, covariance_type=name, random_state=0).fit(VECTORS)
    estimator = interchange.from_scikit_learn(model, batch_size=50)
    np.testing.assert_allclose(estimator.score_samples(MORE), model.score_samples(MORE), rtol=1e-10)
    estimator.partial_fit(MORE)
    assert estimator.n_steps_ == 3
    assert not np.allclose(estimator.means_, model.means_)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\xc1", "not msgpack"),
        (msgspec.msgpack.encode([1]), "schema 'list'"),
        (msgspec.msgpack.encode({"schema": 99}), "schema 99"),
        (msgspec.msgpack.encode({"schema": checkpoints.SCHEMA, "live": None}), "before the model had started"),
        (msgspec.msgpack.encode({"schema": checkpoints.SCHEMA, "live": {}}), "'mixture'"),
        (msgspec.msgpack.encode({"schema": checkpoints.SCHEMA, "live": {"mixture": {}}}), "field parameters"),
    ],
)
def test_what_is_no_model_is_refused(data, said):
    with pytest.raises(ValueError, match=said):
        interchange.from_msgpack(data)


ARRAYS = [
    ("parameters", "weights"),
    ("parameters", "means"),
    ("parameters", "covariances"),
    ("statistics", "mass"),
    ("statistics", "mean"),
    ("statistics", "scatter"),
    ("pending", "rows"),
    ("pending", "weights"),
    ("pending", "sums", "mean"),
    ("average", "recent", "scatter"),
]
SPOILT = {
    "another shape": lambda array: np.ones((*array.shape, 2)),
    "NaN": lambda array: np.append(array.reshape(-1), np.nan)[1:].reshape(array.shape),
    "float32": lambda array: array.astype(np.float32)[..., None],
    "nothing": lambda array: array[:0, None],
}


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("path", ARRAYS, ids=".".join)
def test_a_document_with_a_spoilt_array_is_refused_by_its_name(estimator, path, kind):
    scored, _ = stepwise_em.score(estimator.state_, MORE[:9], None, estimator.learning())
    whole = StreamingGaussianMixture.from_state(scored, covariance_type=estimator.covariance_type)
    document = msgspec.msgpack.decode(interchange.to_msgpack(whole))
    *outer, last = ("live", "mixture", *path)
    inside = document
    for name in outer:
        inside = inside[name]
    inside[last] = to_plain(np.ascontiguousarray(SPOILT[kind](from_plain(np.ndarray[Any, Any], inside[last]))))
    with pytest.raises(ValueError, match=f"the document's model is none: .*{last}"):
        interchange.from_msgpack(msgspec.msgpack.encode(document))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time", -1.0),
        ("effective_sample_size", float("nan")),
        ("steps", -3),
        ("pending.sums.weight", float("inf")),
        ("pending.background", float("inf")),
        ("pending.squares", -1.0),
        ("average.recent_time", float("nan")),
        ("average.length", 0.0),
    ],
)
def test_a_document_with_a_spoilt_number_is_refused_by_its_name(estimator, name, value):
    document = msgspec.msgpack.decode(interchange.to_msgpack(estimator))
    *outer, last = name.split(".")
    inside = document["live"]["mixture"]
    for part in outer:
        inside = inside[part]
    inside[last] = value
    with pytest.raises(ValueError, match=f"the document's model is none: {name} is {value}"):
        interchange.from_msgpack(msgspec.msgpack.encode(document))


def test_what_is_no_json_is_refused():
    for data in (b"model", "xx", "", "[" * 100_000, b"\xff\xff"):
        with pytest.raises(ValueError, match="the document is not json: "):
            interchange.from_json(data)


def test_the_suffix_says_the_format(estimator, tmp_path):
    with pytest.raises(ValueError, match=r"must be \.json or \.msgpack"):
        interchange.save(estimator, tmp_path / "model.pkl")


@pytest.mark.parametrize("changed", [{"covariance_type": "diag"}, {"n_components": 5}])
def test_what_is_saved_is_what_was_fitted_whatever_the_parameters_say_now(changed):
    estimator = StreamingGaussianMixture(3, random_state=0).partial_fit(VECTORS)
    estimator.set_params(**changed)
    loaded = interchange.from_json(interchange.to_json(estimator))
    assert (loaded.n_components, loaded.covariance_type) == (3, "full")
    assert bits(loaded.state_) == bits(estimator.state_)
    theirs = interchange.to_scikit_learn(estimator)
    assert (theirs.n_components, theirs.covariance_type) == (3, "full")
    np.testing.assert_allclose(theirs.score_samples(MORE), estimator.score_samples(MORE))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("n_components", 5),
        ("n_features", 7),
        ("features", ["a", "b", "c", "d", "e", "f", "g", "h"]),
        ("features", "a"),
        ("ids", np.array([1, 1, 1])),
        ("ids", np.array([0, 1])),
        ("ids", np.array([0, 1, -2])),
        ("ids", 3),
        ("parameters", [1]),
        ("parameters", {"bogus": 1}),
    ],
)
def test_a_document_that_does_not_fit_together_is_refused_by_the_field(path, value):
    document = msgspec.msgpack.decode(interchange.to_msgpack(StreamingGaussianMixture(3).partial_fit(VECTORS)))
    place = document["live"] if path == "ids" else document
    place[path] = to_plain(value)
    with pytest.raises(ValueError, match=rf"the document's .*{path} (is|are) "):
        interchange.from_msgpack(msgspec.msgpack.encode(document))
