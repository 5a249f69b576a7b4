import numpy as np
import pytest

from streamgmm.drift import scores
from streamgmm.drift.truths import Frozen, spread, truth
from streamgmm.mixture import covariance
from streamgmm.mixture.parameters import Parameters

K, D, LEARNT = 3, 4, 300.0
WEIGHTS = np.array([0.5, 0.3, 0.2])
rng = np.random.default_rng(0)
SHAPES = [a @ a.T + np.eye(D) for a in rng.normal(size=(K, D, D))]
COVARIANCES = {
    "full": np.array(SHAPES),
    "tied": SHAPES[0],
    "diag": np.array([np.diag(one) for one in SHAPES]),
    "spherical": np.array([1.0, 2.0, 3.0]),
}


def learnt(name, vectors=LEARNT, weights=WEIGHTS, known=1.0):
    of = covariance.by_name(name)
    factors, sound = of.factorise(COVARIANCES[name])
    assert sound.all()
    parameters = Parameters(weights, np.arange(K * D, dtype=float).reshape(K, D), COVARIANCES[name], factors)
    return Frozen(parameters, scores.held(parameters, of), of, vectors, np.full((5, K), known))


def expected(name):
    """Mean of the squared distance from the model's mean, less D, times the weight: moments of an inverse Wishart."""
    n = LEARNT * WEIGHTS
    larger = {
        "full": n / (n - D - 1),
        "tied": LEARNT / (LEARNT - D - 1),
        "diag": n / (n - 2),
        "spherical": n * D / (n * D - 2),
    }[name]
    return WEIGHTS * D * (larger * (1 + 1 / n) - 1)


@pytest.mark.parametrize("name", COVARIANCES)
def test_what_comes_lies_further_off_than_what_was_learnt_by_the_size_of_the_sample(name):
    model = learnt(name)
    found = [spread(model, np.random.default_rng(seed)) for seed in range(150)]
    assert np.mean(found, axis=0) == pytest.approx(expected(name), rel=0.08)


@pytest.mark.parametrize("name", COVARIANCES)
def test_truths_lie_round_the_model_as_near_as_it_has_learnt_much(name):
    of_few, of_many = (
        [truth(learnt(name, n), np.random.default_rng(seed)) for seed in range(300)] for n in (300, 30000)
    )
    model = learnt(name).parameters
    for found, n in ((of_few, 300), (of_many, 30000)):
        weights = np.array([one.weights for one in found])
        assert weights.std(axis=0) == pytest.approx(np.sqrt(WEIGHTS * (1 - WEIGHTS) / n), rel=0.2)
        assert weights.mean(axis=0) == pytest.approx(WEIGHTS, abs=4 / np.sqrt(n * 300))
    apart = [np.mean([((one.means - model.means) ** 2).sum() for one in found]) for found in (of_few, of_many)]
    assert apart[0] / apart[1] == pytest.approx(100, rel=0.25)


def test_what_is_known_in_part_counts_as_fewer_vectors():
    seeds = range(200)
    half = [truth(learnt("full", 600, known=0.5), np.random.default_rng(seed)) for seed in seeds]
    whole = [truth(learnt("full", 300), np.random.default_rng(seed)) for seed in seeds]
    for one, other in zip(half, whole, strict=True):
        assert all(np.allclose(*both) for both in zip(one, other, strict=True))


def test_a_component_that_had_died_has_a_truth_too():
    model = learnt("full", weights=np.array([0.6, 0.4, 0.0]))
    found = truth(model, np.random.default_rng(0))
    assert all(np.isfinite(part).all() for part in found)
    assert found.weights[2] < 1e-6
    assert np.isfinite(spread(model, np.random.default_rng(0))).all()
