import numpy as np
import pytest

from streamgmm.drift import scores
from streamgmm.drift.e_step import e_step
from streamgmm.drift.information import fractions
from streamgmm.drift.scores import MEAN, SPREAD, WEIGHTS
from streamgmm.mixture.parameters import Parameters
from tests.drift.models import FULL

N = 40_000


def known(distance):
    """Two standard normal components of one feature, so far apart: what is known of them."""
    means, unit = np.array([[0.0], [distance]]), np.ones((2, 1, 1))
    parameters = Parameters(np.array([0.5, 0.5]), means, unit, unit)
    held, layout = scores.held(parameters, FULL), scores.layout(2, 1)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(N, 1)) + means[rng.integers(2, size=N)]
    single, _ = scores.windows(held, vectors, e_step(parameters, held, vectors, FULL), 1, np.zeros(layout.size), 0)
    return fractions(single, held.roots, layout)


def integral(distance, score):
    """E[s^2] / E[s^2 / r] of the first component, over a grid."""
    x = np.linspace(-10, 10 + distance, 20_001)
    both = np.exp(-0.5 * x**2), np.exp(-0.5 * (x - distance) ** 2)
    density = sum(both) / 2
    r = both[0] / sum(both)
    own = (r * score(x)) ** 2
    return float((own * density).sum() / (own / r * density).sum())


@pytest.mark.parametrize(
    ("family", "score"), [(WEIGHTS, np.ones_like), (SPREAD, lambda x: x**2 - 1), (MEAN, lambda x: x)]
)
def test_it_is_the_ratio_of_the_informations(family, score):
    assert known(2.0)[family, 0] == pytest.approx(integral(2.0, score), rel=0.03)


def test_components_apart_are_known_whole_and_those_in_one_place_by_half():
    assert known(12.0) == pytest.approx(np.ones((5, 2)), abs=1e-4)
    assert known(0.0)[[WEIGHTS, SPREAD, MEAN]] == pytest.approx(np.full((3, 2), 0.5), abs=1e-6)


def test_nothing_seen_and_nothing_held_are_no_division_by_zero():
    layout = scores.layout(2, 1)
    assert (fractions(np.zeros((0, layout.size)), np.ones(2), layout) == 1).all()
    assert (fractions(np.zeros((3, layout.size)), np.ones(2), layout) == 1).all()
