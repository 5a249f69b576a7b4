import importlib
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from streamgmm import StreamingGaussianMixture
from streamgmm.mixture import averaging, stepwise_em
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.learning import Learning
from tests.mixture.samples import NAMES, as_full, bits, random_covariances

CENTRES = np.array([[0.0, 0, 0], [7, 0, 0], [0, 9, 2]])


def blobs(n, seed=0):
    generator = np.random.default_rng(seed)
    which = generator.integers(3, size=n)
    return CENTRES[which] + generator.normal(size=(n, 3)), which


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def estimator(n_components=3, **parameters):
    return StreamingGaussianMixture(n_components, **{"random_state": 0, "batch_size": 100, **parameters})


# ---- fit


def test_fit_finds_what_batch_em_finds(name):
    vectors, which = blobs(600)
    ours = estimator(covariance_type=name, tol=1e-6).fit(vectors)
    theirs = GaussianMixture(3, covariance_type=name, random_state=0).fit(vectors)
    assert (
        adjusted_rand_score(which, ours.predict(vectors)) >= adjusted_rand_score(which, theirs.predict(vectors)) - 0.02
    )
    assert ours.score(vectors) > theirs.score(vectors) - 0.01
    for attribute in ("weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_"):
        assert getattr(ours, attribute).shape == getattr(theirs, attribute).shape


def test_fit_says_how_it_ended():
    vectors, _ = blobs(600)
    model = estimator().fit(vectors)
    assert model.converged_
    assert 1 <= model.n_iter_ < model.max_iter
    assert model.lower_bound_ == pytest.approx(model.score(vectors))
    np.testing.assert_array_equal(model.labels_, model.predict(vectors))
    with pytest.warns(UserWarning, match="did not converge in max_iter=2"):
        assert estimator(max_iter=2, tol=0).fit(vectors).n_iter_ == 2


def test_the_same_seed_gives_the_same_bits_and_another_does_not(name):
    vectors, _ = blobs(500)
    one, same, other = (estimator(covariance_type=name, random_state=s).fit(vectors) for s in (1, 1, 2))
    assert bits(one.state_) == bits(same.state_)
    assert bits(one.state_) != bits(other.state_)


def test_many_vectors_start_from_a_sample():
    vectors, which = blobs(20_000)
    model = estimator(batch_size=512).fit(vectors)
    assert adjusted_rand_score(which, model.labels_) > 0.99


def test_warm_start_goes_on():
    vectors, _ = blobs(500)
    model = estimator(warm_start=True).fit(vectors)
    steps = model.n_steps_
    assert model.fit(vectors).n_steps_ > steps
    assert estimator().fit(vectors).fit(vectors).n_steps_ == steps


@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "hierarchical", "random_from_data"])
def test_every_start_finds_clusters_far_apart(init_params, name):
    vectors, which = blobs(400)
    model = estimator(covariance_type=name, init_params=init_params, n_init=5).fit(vectors)
    assert adjusted_rand_score(which, model.labels_) > 0.95


def test_a_weight_of_zero_is_as_if_absent():
    vectors, _ = blobs(400)
    weights = (np.arange(400) % 4 > 0).astype(float)
    vectors[weights == 0] = 50.0
    model = estimator().fit(vectors, sample_weight=weights)
    assert bits(model.state_) == bits(estimator().fit(vectors[weights > 0]).state_)


def test_weights_shift_the_mixture():
    vectors, which = blobs(900)
    model = estimator(n_init=3).fit(vectors, sample_weight=np.where(which == 0, 4.0, 1.0))
    share = 4 * (which == 0).sum() / (4 * (which == 0).sum() + (which != 0).sum())
    assert model.weights_[model.predict(CENTRES[:1])[0]] == pytest.approx(share, abs=0.02)


# ---- parameters that are given


def test_a_model_that_is_given_whole_is_where_the_stream_starts(name):
    spread = random_covariances(name, 3, 3, np.random.default_rng(1))
    given = covariances.by_name(name)
    precisions = given.square(given.factorise(spread)[0])
    model = estimator(
        covariance_type=name, weights_init=[0.2, 0.3, 0.5], means_init=CENTRES, precisions_init=precisions, delay=1e9
    ).partial_fit(blobs(10)[0])
    np.testing.assert_allclose(model.covariances_, spread, rtol=1e-3)
    np.testing.assert_allclose(model.means_, CENTRES, atol=1e-3)
    np.testing.assert_allclose(model.weights_, [0.2, 0.3, 0.5], atol=1e-3)


def test_given_means_keep_their_order(name):
    vectors, _ = blobs(600)
    model = estimator(covariance_type=name, means_init=CENTRES[[2, 0, 1]]).fit(vectors)
    np.testing.assert_allclose(model.means_, CENTRES[[2, 0, 1]], atol=0.4)


# ---- the stream


def test_partial_fit_is_stepwise_em(name):
    vectors, _ = blobs(500)
    model = estimator(covariance_type=name).partial_fit(vectors[:50])
    state, learning = model.state_, Learning(covariances.by_name(name), 100, averaging=True)
    for start, end in ((50, 150), (150, 170), (170, 270), (270, 310)):
        state, _ = stepwise_em.update(state, vectors[start:end], learning)
    model.partial_fit(vectors[50:150]).partial_fit(vectors[150:170]).partial_fit(vectors[170:310])
    assert bits(model.state_) == bits(state)
    assert model.n_steps_ == 5
    assert len(model.labels_) == 140


def test_partial_fit_makes_its_m_step_at_the_end_of_each_call():
    model = estimator().partial_fit(blobs(250)[0])
    assert model.n_steps_ == 3
    assert len(model.state_.pending.rows) == 0


def test_a_fit_goes_on_as_a_stream():
    vectors, _ = blobs(400)
    model = estimator().fit(vectors)
    before = model.means_
    model.partial_fit(vectors[:30] + 0.5)
    assert 0 < np.abs(model.means_ - before).max() < 0.5


def test_a_half_life_follows_a_stream_that_moves():
    stream = [blobs(100, seed)[0] + 0.05 * seed for seed in range(60)]
    slow, quick, batches = (
        estimator(half_life=half_life) for half_life in (None, 200, {"value": 2, "unit": "batches"})
    )
    for piece in stream:
        for model in (slow, quick, batches):
            model.partial_fit(piece)
    assert quick.score(stream[-1]) > slow.score(stream[-1])
    assert quick.effective_sample_size_ < slow.effective_sample_size_ < 6000
    assert bits(quick.state_) == bits(batches.state_)


def test_the_effective_sample_size_counts_vectors():
    model = estimator(exponent=1.0, delay=0).partial_fit(blobs(100)[0]).partial_fit(blobs(250, 1)[0])
    assert model.effective_sample_size_ == pytest.approx(350)


def test_a_half_life_in_seconds_forgets_by_event_time():
    quick, slow = (estimator(half_life={"value": 60, "unit": "seconds"}, exponent=1.0, delay=0) for _ in "ab")
    for minute in range(4):
        quick.partial_fit(blobs(100, minute)[0], event_time=60.0 * minute)
        slow.partial_fit(blobs(100, minute)[0], event_time=0.0)
    assert slow.effective_sample_size_ == pytest.approx(400)  # no time has passed: the plain mean
    assert quick.effective_sample_size_ == pytest.approx(100 / (1 / 4 + 1 / 16 + 2 / 64))  # a half new, ...
    with pytest.raises(ValueError, match="event_time is nan"):
        quick.partial_fit(blobs(100)[0], event_time=float("nan"))


# ---- averaging


def test_a_stream_settles_at_its_average(name):
    vectors, _ = blobs(8000)
    model = estimator(covariance_type=name, batch_size=50).partial_fit(vectors[:500])
    for piece in np.split(vectors[500:], 15):
        model.partial_fit(piece)
    before, expected = model.means_, averaging.averaged(model.state_, model.learning())
    model.settle()
    np.testing.assert_array_equal(model.means_, expected.means)
    assert np.abs(model.means_ - before).max() > 0
    assert model.settle().means_ is model.state_.parameters.means


def test_the_average_of_a_fit_ends_with_it():
    model = estimator(batch_size=100_000, tol=0, max_iter=20)
    with pytest.warns(ConvergenceWarning):
        model.fit(blobs(300)[0])
    before = model.means_
    assert model.state_.average is None
    assert model.settle().means_ is before
    model.partial_fit(blobs(3000)[0])
    assert model.state_.average.recent_time == pytest.approx(0.03)


@pytest.mark.parametrize("heavy", [1e15, 1e20, 1e80])
def test_a_weight_beside_which_others_are_nothing_stops_nothing(name, heavy):
    vectors, _ = blobs(2000)
    weights = np.ones(2000)
    weights[3] = heavy
    model = estimator(covariance_type=name).partial_fit(vectors, sample_weight=weights)
    for _ in range(3):
        model.partial_fit(vectors)
    assert np.isfinite(model.settle().score_samples(vectors)).all()
    assert np.isfinite(estimator(covariance_type=name).fit(vectors, sample_weight=weights).means_).all()


def test_settling_keeps_account_of_what_the_average_was_learnt_from(name):
    model = estimator(covariance_type=name, averaging=True).partial_fit(blobs(20_000)[0])
    before, size = model.effective_sample_size_, averaging.averaged_size(model.state_, model.learning())
    assert model.settle().effective_sample_size_ == size > before


def test_without_averaging_there_is_nothing_to_settle():
    model = estimator(averaging=False).partial_fit(blobs(300)[0])
    before = bits(model.state_)
    assert bits(model.settle().state_) == before


def test_fit_ends_where_the_likelihood_is_higher(name):
    for count in (300, 6000):
        vectors, _ = blobs(count)
        averaged, plain = (estimator(covariance_type=name, averaging=on).fit(vectors) for on in (True, False))
        assert averaged.lower_bound_ >= plain.lower_bound_
        assert averaged.state_.parameters.means is averaged.means_


def test_rows_of_weight_zero_do_not_close_a_batch():
    weights = np.tile([1.0, 0.0, 0.0], 100)
    assert estimator().partial_fit(blobs(300)[0], sample_weight=weights).n_steps_ == 1


# ---- what a model says


def test_scores_are_those_of_scikit_learn(name):
    vectors, _ = blobs(300)
    model = estimator(covariance_type=name).fit(vectors)
    theirs = GaussianMixture(3, covariance_type=name)
    theirs.weights_, theirs.means_, theirs.covariances_ = model.weights_, model.means_, model.covariances_
    theirs.precisions_cholesky_ = model.precisions_cholesky_
    np.testing.assert_allclose(model.score_samples(vectors), theirs.score_samples(vectors), rtol=1e-10)
    np.testing.assert_allclose(model.predict_proba(vectors), theirs.predict_proba(vectors), atol=1e-10)
    assert model.bic(vectors) == pytest.approx(theirs.bic(vectors))
    assert model.aic(vectors) == pytest.approx(theirs.aic(vectors))
    spread = as_full(name, model.covariances_, 3, 3)
    np.testing.assert_allclose(as_full(name, model.precisions_, 3, 3), np.linalg.inv(spread), rtol=1e-6, atol=1e-9)


def test_samples_have_the_moments_of_their_component(name):
    model = estimator(covariance_type=name).fit(blobs(300)[0] @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 0.3, 2]]))
    vectors, components = model.sample(60_000)
    spread = as_full(name, model.covariances_, 3, 3)
    np.testing.assert_allclose(np.bincount(components) / 60_000, model.weights_, atol=0.01)
    for k in range(3):
        drawn = vectors[components == k]
        np.testing.assert_allclose(drawn.mean(axis=0), model.means_[k], atol=0.1)
        np.testing.assert_allclose(np.cov(drawn.T), spread[k], atol=0.06 * np.diag(spread[k]).max())


def test_a_model_must_be_fitted_before_it_is_asked():
    for ask in ("predict", "predict_proba", "score_samples", "score", "bic", "aic"):
        with pytest.raises(ValueError, match="not fitted yet"):
            getattr(estimator(), ask)(blobs(5)[0])
    with pytest.raises(ValueError, match="not fitted yet"):
        estimator().sample()
    assert not hasattr(estimator(), "precisions_")


# ---- missing features


def with_gaps(vectors, share, seed=0):
    return np.where(np.random.default_rng(seed).random(vectors.shape) < share, np.nan, vectors)


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_learns_from_what_is_known(name, share):
    vectors, _ = blobs(1500)
    model = estimator(covariance_type=name, n_init=3, batch_size=512).fit(with_gaps(vectors, share))
    whole = estimator(covariance_type=name, n_init=3, batch_size=512).fit(vectors)
    assert model.score(vectors) > whole.score(vectors) - 0.05
    model.partial_fit(with_gaps(vectors, share, seed=1))
    assert model.score(vectors) > whole.score(vectors) - 0.05


def test_a_stream_may_start_with_missing_features(name):
    pieces = [with_gaps(blobs(100, seed)[0], 0.2, seed) for seed in range(5)]
    model = estimator(covariance_type=name)
    for piece in pieces:
        model.partial_fit(piece)
    assert np.isfinite(model.covariances_).all()
    assert np.isfinite(model.score_samples(pieces[0])).all()
    np.testing.assert_allclose(model.predict_proba(pieces[0]).sum(axis=1), 1)


def test_imputes_as_well_as_the_model_that_made_the_data():
    vectors, _ = blobs(3000)
    truth = estimator(weights_init=np.ones(3) / 3, means_init=CENTRES, precisions_init=np.stack([np.eye(3)] * 3))
    truth.set_params(delay=1e9).partial_fit(vectors[:10])
    gaps = with_gaps(vectors, 0.2)
    missing = np.isnan(gaps)

    def error(filled):
        np.testing.assert_array_equal(filled[~missing], vectors[~missing])
        return np.square((filled - vectors)[missing]).mean()

    best = error(truth.impute(gaps))
    assert error(estimator(n_init=3).fit(gaps).impute(gaps)) < 1.02 * best
    assert best < 0.7 * error(np.where(missing, np.nanmean(gaps, axis=0), gaps))


def test_distances_and_conditionals_are_those_of_the_mixture(name):
    vectors, _ = blobs(500)
    model = estimator(covariance_type=name).fit(vectors)
    spread = as_full(name, model.covariances_, 3, 3)
    deviations = vectors[:, None] - model.means_
    squares = np.einsum("nki,kij,nkj->nk", deviations, np.linalg.inv(spread), deviations)
    np.testing.assert_allclose(model.mahalanobis(vectors), np.sqrt(squares), rtol=1e-6)
    gaps = vectors.copy()
    gaps[:, 1] = np.nan
    found = model.conditional(gaps)
    np.testing.assert_allclose(found.log_likelihood, model.score_samples(gaps), rtol=1e-9)
    np.testing.assert_allclose(found.weights, model.predict_proba(gaps), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(np.einsum("nk,nkm->nm", found.weights, found.means)[:, 0], model.impute(gaps)[:, 1])
    gaps[7, 0] = np.nan
    with pytest.raises(ValueError, match="X lacks other features in row 7 than in row 0"):
        model.conditional(gaps)


# ---- in scikit-learn's company


def test_works_in_a_pipeline_and_a_grid_search():
    vectors, which = blobs(300)
    pipeline = make_pipeline(StandardScaler(), estimator(1, n_init=3))
    search = GridSearchCV(pipeline, {"streaminggaussianmixture__n_components": [1, 3]}, cv=3)
    search.fit(vectors)
    assert search.best_params_ == {"streaminggaussianmixture__n_components": 3}
    assert adjusted_rand_score(which, search.predict(vectors)) > 0.95


def test_a_clone_has_the_parameters_and_nothing_learnt():
    model = estimator(delay=3, means_init=CENTRES).fit(blobs(100)[0])
    copy = clone(model)
    assert (copy.delay, hasattr(copy, "means_")) == (3, False)
    np.testing.assert_array_equal(copy.means_init, CENTRES)


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_frames_give_their_names(package):
    frames = importlib.import_module(package)
    vectors, _ = blobs(200)
    frame = frames.DataFrame({name: vectors[:, i] for i, name in enumerate("xyz")})
    model = estimator().fit(frame, sample_weight=frames.Series(np.full(200, 2.0)))
    assert list(model.feature_names_in_) == ["x", "y", "z"]
    np.testing.assert_array_equal(
        model.predict_proba(frame), estimator().fit(vectors, None, np.full(200, 2.0)).predict_proba(vectors)
    )
    model.partial_fit(frame)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["z", "x", "y"]])


@pytest.mark.parametrize("heavy", ["numpy", "sklearn", "numba"])
def test_the_package_loads_nothing_heavy_before_it_is_asked(heavy):
    code = f"import sys, streamgmm; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


# ---- bad input


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"n_components": 0}, r"n_components is 0; it must be an integer of at least 1"),
        ({"n_components": 2.0}, r"n_components is 2.0"),
        ({"n_components": 41}, r"n_components is 41; it must be from 1 to the number of vectors, 40"),
        ({"covariance_type": "round"}, r"covariance_type is 'round'; it must be one of full, tied, diag, spherical"),
        ({"init_params": "magic"}, r"init_params is 'magic'; it must be one of kmeans"),
        ({"exponent": 0.5}, r"exponent is 0.5; it must be a finite number above 0.5 and at most 1"),
        ({"exponent": 1.1}, r"exponent is 1.1"),
        ({"delay": -1}, r"delay is -1; it must be a finite number at least 0"),
        ({"batch_size": 0}, r"batch_size is 0"),
        ({"tol": -1e-3}, r"tol is -0.001"),
        ({"max_iter": 0}, r"max_iter is 0"),
        ({"n_init": 0}, r"n_init is 0"),
        ({"half_life": 99}, r"half_life is 99.0 records; it must be at least the batch_size, 100"),
        ({"half_life": -1}, r"half_life is -1; it must be a finite number above 0"),
        ({"half_life": {"value": 60}}, r"half_life is {.*}; it must be a number of vectors, or a value and a unit"),
        ({"half_life": {"value": 60, "unit": "days"}}, r"half_life has the unit 'days'; it must be one of records"),
        ({"half_life": [99]}, r"half_life is \[99\]; it must be a finite number above 0"),
        ({"covariance_type": ["full"]}, r"covariance_type is \['full'\]; it must be one of full"),
        ({"averaging": 1}, r"averaging is 1; it must be True or False"),
        ({"warm_start": "yes"}, r"warm_start is 'yes'; it must be True or False"),
        ({"exponent": float("nan")}, r"exponent is nan"),
        ({"n_components": True}, r"n_components is True"),
        ({"reg_covar": float("nan")}, r"reg_covar is nan"),
        ({"reg_relative": "1"}, r"reg_relative is '1'"),
        ({"weights_init": [0.5, 0.5]}, r"weights_init has shape \(2,\); it must be \(3,\)"),
        ({"weights_init": [0.5, 0.5, 0.5]}, r"weights_init sums to 1.5; it must sum to 1"),
        ({"weights_init": [1.0, 0.5, -0.5]}, r"weights_init has -0.5; every weight must be above 0"),
        ({"weights_init": [0.5 + 0j, 0.25, 0.25]}, r"weights_init is complex; it must hold real numbers"),
        ({"means_init": [[1, 2], [1]]}, r"means_init is no array of float64 numbers"),
        ({"means_init": "here"}, r"means_init is of type <U4; it must hold real numbers"),
        ({"means_init": np.zeros((3, 2))}, r"means_init has shape \(3, 2\); it must be \(3, 3\)"),
        ({"means_init": np.full((3, 3), np.nan)}, r"means_init has NaN or infinity"),
        (
            {"precisions_init": np.stack([np.eye(3), -np.eye(3), np.eye(3)])},
            r"precisions_init\[1\] is not positive def",
        ),
        ({"precisions_init": np.tri(3) * np.ones((3, 3, 3))}, r"precisions_init is not symmetric"),
    ],
)
def test_bad_parameters_are_named(parameters, said):
    with pytest.raises(ValueError, match=said):
        estimator(**parameters).fit(blobs(40)[0])


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (np.ones(39), r"sample_weight has shape \(39,\); it must be \(40,\)"),
        (np.r_[np.ones(39), -1.0], r"sample_weight\[39\] is -1.0; it must be finite and at least 0"),
        (np.r_[np.inf, np.ones(39)], r"sample_weight\[0\] is inf"),
        (np.zeros(40), "sample_weight is zero everywhere"),
        (np.ones((40, 1)), r"sample_weight has shape \(40, 1\)"),
        (np.ones(40) * 1j, "sample_weight is complex; it must hold real numbers"),
        (["a"] * 40, "sample_weight is of type <U1; it must hold real numbers"),
        ([None] * 40, r"sample_weight\[0\] is nan"),
    ],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_bad_weights_are_named(method, weights, said):
    with pytest.raises(ValueError, match=said):
        getattr(estimator(), method)(blobs(40)[0], sample_weight=weights)


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinity_is_refused(bad):
    vectors, _ = blobs(40)
    model = estimator().fit(vectors)
    vectors[7, 1] = bad
    for ask in (model.fit, model.partial_fit, model.predict, model.score_samples):
        with pytest.raises(ValueError, match="infinity"):
            ask(vectors)


def test_another_model_than_the_one_learnt_is_refused():
    vectors, _ = blobs(100)
    model = estimator(warm_start=True).fit(vectors)
    with pytest.raises(ValueError, match="n_components is 4, but the model to go on from has 3"):
        model.set_params(n_components=4).partial_fit(vectors)
    with pytest.raises(ValueError, match="covariance_type is 'diag', but the model to go on from has 'full'"):
        model.set_params(n_components=3, covariance_type="diag").fit(vectors)


@pytest.mark.parametrize(
    "vectors",
    [
        np.full((30, 3), 0.1),
        np.column_stack([np.arange(30.0), np.arange(30.0) * 2, np.full(30, 7.0)]),
        blobs(60)[0] * 1e-12,
        blobs(60)[0] * 1e12,
        blobs(60)[0] + 1e8,
        CENTRES[np.arange(60) % 3] * 1e8 + blobs(60)[0],
        np.vstack([blobs(60)[0] * 1e-12, np.full((1, 3), 1e9)]),
    ],
    ids=["same", "collinear", "small", "large", "offset", "apart", "wild"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_degenerate_data_give_a_finite_model(name, vectors):
    model = estimator(covariance_type=name).fit(vectors).partial_fit(vectors)
    assert np.isfinite(model.covariances_).all()
    assert np.isfinite(model.precisions_).all()
    assert np.isfinite(model.score_samples(vectors)).all()
    np.testing.assert_allclose(model.predict_proba(vectors).sum(axis=1), 1)
