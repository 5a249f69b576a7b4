import time

import numpy as np
import pytest

from benchmarks.quality import real_data
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import scoring, stepwise_em
from streamgmm.mixture import start as starts
from streamgmm.mixture.block import Rows
from streamgmm.mixture.given import Given, given
from streamgmm.mixture.initialise import Start, initialise
from tests.mixture.samples import NAMES, all_finite, bits, learning, random_covariances

METHODS = ("kmeans", "k-means++", "hierarchical", "random_from_data", "random")
CENTRES = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])


@pytest.fixture(params=METHODS)
def method(request):
    return starts.by_name(request.param)


def points(n=300, seed=0):
    generator = np.random.default_rng(seed)
    which = generator.integers(3, size=n)
    return CENTRES[which] + generator.normal(size=(n, 2)), which


def rows(vectors, weights=None):
    return Rows(vectors, np.ones(len(vectors)) if weights is None else weights)


def test_each_vector_is_shared_out_whole(method):
    shares = method(rows(points()[0]), 4, np.random.default_rng(0))
    assert shares.shape == (300, 4)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1)


def test_the_generator_decides(method):
    same = [method(rows(points()[0]), 3, np.random.default_rng(7)).tobytes() for _ in range(2)]
    assert same[0] == same[1]


@pytest.mark.parametrize("vectors", [np.zeros((4, 2)), np.repeat(CENTRES, 2, axis=0), np.array([[1.0, 2.0]])])
def test_few_distinct_vectors_are_no_trouble(method, vectors):
    k = min(4, len(vectors))
    assert method(rows(vectors), k, np.random.default_rng(0)).shape == (len(vectors), k)


@pytest.mark.parametrize("name", ["kmeans", "hierarchical"])
def test_clusterings_find_clusters(name):
    vectors, which = points()
    labels = starts.by_name(name)(rows(vectors), 3, np.random.default_rng(0)).argmax(axis=1)
    assert len({(a, b) for a, b in zip(labels, which, strict=True)}) == 3


def test_hierarchical_takes_a_sample_of_many():
    vectors, which = points(5000)
    labels = starts.hierarchical(rows(vectors), 3, np.random.default_rng(0)).argmax(axis=1)
    assert len({(a, b) for a, b in zip(labels, which, strict=True)}) == 3


def test_k_means_counts_weights():
    vectors, weights = np.array([[0.0], [1.0], [10.0], [11.0]]), np.array([1.0, 1.0, 1.0, 1e6])
    labels = starts.k_means(rows(vectors, weights), 2, np.random.default_rng(0)).argmax(axis=1)
    assert (labels[0] == labels[1], labels[2] == labels[3], labels[0] == labels[2]) == (True, True, False)


def test_more_runs_are_no_looser():
    vectors = np.random.default_rng(1).normal(size=(200, 2))

    def spread(n_runs):
        shares = starts.k_means(rows(vectors), 8, np.random.default_rng(0), n_runs=n_runs)
        centres = shares.T @ vectors / shares.sum(axis=0)[:, None]
        return np.square(vectors - shares @ centres).sum()

    assert spread(20) <= spread(1)


def test_moved_seeds_are_as_if_all_distances_were_looked_at_again():
    for seed, count in ((0, 2), (1, 7), (2, 40)):
        generator = np.random.default_rng(seed)
        vectors = np.round(generator.normal(size=(500, 2)) * 3 + 9 * generator.integers(0, 4, size=(500, 1)), seed)
        near = starts._two_nearest(distances := starts._squared_distances(vectors, vectors[:count]))
        for row in generator.choice(500, 30):
            moved = int(generator.integers(count))
            distances[moved] = np.square(vectors - vectors[row]).sum(axis=1)
            near = starts._after_move(near, distances, moved)
            assert near.distance.tobytes() == np.partition(distances, 1, axis=0)[0].tobytes()
            assert near.next_distance.tobytes() == np.partition(distances, 1, axis=0)[1].tobytes()
            for places, found in ((near.seed, near.distance), (near.next_seed, near.next_distance)):
                np.testing.assert_array_equal(distances[places, np.arange(500)], found)


def test_many_components_start_in_a_time_that_grows_with_their_number():
    def taken(n_components):
        vectors, begun = np.random.default_rng(0).normal(size=(3000, 2)), time.process_time()
        starts.k_means(rows(vectors), n_components, np.random.default_rng(0), n_runs=1)
        return time.process_time() - begun

    taken(10)
    assert taken(240) < 60 * max(taken(10) for _ in range(3))  # by the number of pairs it would be 576 times


def test_the_likeliest_of_the_starts_is_taken():
    vectors, _ = points(200)
    settings, covariance = learning("full"), covariances.by_name("full")

    def likelihood(n_init):
        start = Start(starts.random_from_data, n_init)
        _, parameters = initialise(rows(vectors), 6, settings, 3, start)
        return scoring.log_likelihood(parameters, vectors, covariance).mean()

    assert likelihood(10) > likelihood(1)


@pytest.mark.parametrize("name", NAMES)
def test_a_complete_model_is_taken_as_it_is(name):
    spread = random_covariances(name, 3, 2, np.random.default_rng(0))
    covariance = covariances.by_name(name)
    known = given(covariance, (3, 2), weights_init=[0.2, 0.3, 0.5], means_init=CENTRES, covariances_init=spread)
    state = stepwise_em.init(points()[0], 3, learning(name), start=Start(given=known))
    np.testing.assert_array_equal(state.parameters.covariances, spread)
    np.testing.assert_array_equal(state.parameters.means, CENTRES)
    np.testing.assert_allclose(covariance.form(state.statistics.scatter, state.statistics.mass), spread, rtol=1e-14)
    np.testing.assert_array_equal(state.statistics.mass, [0.2, 0.3, 0.5])


@pytest.mark.parametrize("name", NAMES)
def test_precisions_are_inverse_covariances(name):
    covariance, spread = covariances.by_name(name), random_covariances(name, 3, 2, np.random.default_rng(0))
    precisions = covariance.square(covariance.factorise(spread)[0])
    found = given(covariance, (3, 2), precisions_init=precisions)
    np.testing.assert_allclose(found.covariances, spread, rtol=1e-12)


def test_weights_alone_count_from_the_first_e_step_on():
    known = Given(weights=np.array([0.98, 0.02]))
    vectors = np.random.default_rng(0).normal(size=(50, 1))
    state = stepwise_em.init(vectors, 2, learning("full"), start=Start(given=known))
    assert bits(state) != bits(stepwise_em.init(vectors, 2, learning("full")))
    assert all_finite(state)


def test_covariances_and_precisions_contradict():
    with pytest.raises(ValueError, match="give one of the two"):
        given(covariances.by_name("diag"), (1, 1), covariances_init=[[1.0]], precisions_init=[[1.0]])


def test_a_name_that_is_none_is_refused():
    with pytest.raises(ValueError, match="init_params is 'k means'; it must be one of kmeans, "):
        starts.by_name("k means")


def test_further_k_means_starts_find_a_likelier_mixture_than_the_tightest_clustering():
    """Of the motion windows every tightest clustering is the same, and the best mixture lies elsewhere."""
    vectors, hyper = real_data.read(real_data.SETS["motion windows"]).vectors, learning("full")

    def likelihood(n_init: int) -> float:
        state = stepwise_em.init(vectors, 4, hyper, start=Start(n_init=n_init))
        return scoring.log_likelihood(state.parameters, vectors, hyper.covariance).mean()

    assert likelihood(10) > likelihood(1) + 0.3
