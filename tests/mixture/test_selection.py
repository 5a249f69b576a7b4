import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import selection, stepwise_em
from streamgmm.mixture.initialise import Start
from streamgmm.mixture.rows import rows_of
from tests.mixture.samples import NAMES, bits, learning, random_parameters


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def clusters(n=600):
    generator = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0], [8.0, 8.0]])
    return centres[generator.integers(4, size=n)] + generator.normal(size=(n, 2))


def test_criteria_are_those_of_scikit_learn(name):
    parameters = random_parameters(name, 4, 3, np.random.default_rng(0))
    vectors = np.random.default_rng(1).normal(size=(50, 3))
    model = GaussianMixture(4, covariance_type=name)
    model.weights_, model.means_, model.covariances_, model.precisions_cholesky_ = parameters
    covariance = covariances.by_name(name)
    assert selection.n_parameters(covariance, (4, 3)) == model._n_parameters()
    for criterion, theirs in ((selection.bic, model.bic), (selection.aic, model.aic)):
        found = selection.criterion_on(parameters, rows_of(vectors, None), covariance, criterion)
        assert found == pytest.approx(theirs(vectors))


def test_a_weight_counts_as_repetition():
    parameters, covariance = random_parameters("full", 2, 3, np.random.default_rng(0)), covariances.by_name("full")
    vectors, weights = np.random.default_rng(1).normal(size=(20, 3)), np.arange(20)
    once = selection.criterion_on(parameters, rows_of(vectors, weights), covariance)
    repeated = selection.criterion_on(parameters, rows_of(np.repeat(vectors, weights, axis=0), None), covariance)
    assert once == pytest.approx(repeated)


def test_finds_the_number_of_clusters(name):
    choice = selection.choose_k(clusters(), range(1, 8), learning(name))
    assert choice.n_components == 4
    assert list(choice.scores) == [1, 2, 3, 4, 5, 6, 7]
    assert choice.scores[4] == min(choice.scores.values())


def test_every_candidate_is_shown_with_what_its_score_is_made_of():
    choice = selection.choose_k(clusters(100), [2, 1], learning("full"))
    one, two = choice.candidates
    assert (one.n_components, two.n_components, choice.n_vectors) == (1, 2, 100)
    assert (one.n_parameters, two.n_parameters) == (5, 11)
    assert (one.bic, two.bic) == tuple(choice.scores.values())
    assert one.aic == -2 * one.log_likelihood + 10
    assert two.log_likelihood > one.log_likelihood


def test_the_model_can_start_a_stream():
    state = selection.choose_k(clusters(), [2, 4], learning("full")).state
    assert (state.time, len(state.parameters.weights)) == (0, 4)
    stepwise_em.update(state, clusters(), learning("full"))


def test_the_same_seed_gives_the_same_choice():
    one, same = (selection.choose_k(clusters(200), [3, 4], learning("diag"), random_state=5) for _ in range(2))
    assert bits(one.state) == bits(same.state)
    assert one.scores == same.scores


def test_many_vectors_are_represented_by_a_sample():
    assert selection.choose_k(clusters(30_000), [2, 4], learning("full"), start=Start(n_init=2)).n_components == 4


def test_aic_asks_for_no_fewer():
    vectors = np.random.default_rng(2).normal(size=(150, 2))
    by_aic = selection.choose_k(vectors, range(1, 5), learning("full"), criterion=selection.aic)
    assert by_aic.n_components >= selection.choose_k(vectors, range(1, 5), learning("full")).n_components == 1


@pytest.mark.parametrize(
    ("candidates", "said"),
    [
        ([], "candidates is empty"),
        ([0, 1], "candidates is 0"),
        (["a"], "candidates is 'a'"),
        ([2.5, "3"], "candidates is 2.5"),
        ([1, 21], "it must be from 1 to the number of vec"),
    ],
)
def test_bad_candidates_are_named(candidates, said):
    with pytest.raises(ValueError, match=said):
        selection.choose_k(clusters(20), candidates, learning("full"))
