import numpy as np
import pytest

from streamgmm.drift import scores
from streamgmm.drift.e_step import e_step
from streamgmm.drift.scores import LOG_LIKELIHOOD, MEAN, MISSING, SPREAD, WEIGHTS
from streamgmm.drift.serial import UNRELATED, memory, serial, together
from tests.drift.models import FULL, draw, parameters
from tests.drift.models import WEIGHTS as SHARES

P = parameters()
HELD, LAYOUT = scores.held(P, FULL), scores.layout(3, 2)


def single(vectors):
    found, _ = scores.windows(HELD, vectors, e_step(P, HELD, vectors, FULL), 1, np.zeros(LAYOUT.size), 0)
    return found


def of(found, family):
    return found.factors[LAYOUT.family == family]


def test_independent_vectors_have_no_memory():
    for seed in range(5):
        found = serial(single(draw(2000, seed)), LAYOUT)
        assert together(found, LAYOUT) < UNRELATED
        assert (found.factors < 1.2).all()
        assert memory(found, LAYOUT) == (0.0, 0.0)


@pytest.mark.parametrize("a", [0.3, 0.6])
def test_factors_are_those_of_a_stream_whose_memory_is_known(a):
    found = serial(single(draw(40_000, 1, memory=a)), LAYOUT)
    assert of(found, WEIGHTS) == pytest.approx((1 + a) / (1 - a), rel=0.08)
    lags = np.arange(1, 60)
    meet = a**lags + (1 - a**lags) * SHARES[:, None]  # the chance that a component is met again
    for family, noise in ((MEAN, a), (SPREAD, a**2)):
        expected = 1 + 2 * (meet * noise**lags).sum(axis=1)
        assert of(found, family) == pytest.approx(expected, rel=0.15)
    assert of(found, MISSING) == pytest.approx(1.0)
    assert of(found, LOG_LIKELIHOOD)[0] > 1.1


def test_the_memory_is_found_again():
    found = memory(serial(single(draw(40_000, 1, memory=0.4)), LAYOUT), LAYOUT)
    assert found == pytest.approx((0.4, 0.4), abs=0.04)


def test_a_component_that_alone_has_memory_keeps_a_factor_of_its_own():
    vectors = draw(20_000, 3)
    first = np.flatnonzero(np.abs(vectors).sum(axis=1) < 3)
    vectors[first] = np.repeat(vectors[first][::4], 4, axis=0)[: len(first)]
    factors = of(serial(single(vectors), LAYOUT), MEAN)
    assert factors[0] > 1.5 * factors[1:].max()


def test_scores_that_never_vary_have_none():
    assert serial(np.ones((500, LAYOUT.size)), LAYOUT).factors == pytest.approx(1.0)
