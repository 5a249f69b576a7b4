import numpy as np
import pytest

from streamgmm.drift import scores
from streamgmm.drift.e_step import e_step
from streamgmm.drift.likeness import drawn, kept
from streamgmm.drift.serial import Memory, serial
from streamgmm.drift.truths import Frozen
from streamgmm.mixture.parameters import Parameters
from tests.drift.models import FULL, MEANS, SPREADS, draw, parameters

P, LAYOUT = parameters(), scores.layout(3, 2)
HELD = scores.held(P, FULL)
NONE = Memory(0.0, 0.0)
APART = np.ones((5, 3))
LEARNT = Frozen(P, HELD, FULL, 1e6, APART)


def single(vectors, held=HELD, of=P):
    found, _ = scores.windows(held, vectors, e_step(of, held, vectors, FULL), 1, np.zeros(LAYOUT.size), 0)
    return found


def share(vectors, learnt=9000.0):
    return kept(single(vectors), drawn(LEARNT, vectors, NONE, seed=0), LAYOUT, learnt, factor=1.0)


def test_the_model_draws_what_it_expects():
    found = drawn(LEARNT, draw(500, 0), NONE, seed=0)
    known = ~np.isnan(scores.expected(HELD))
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - scores.expected(HELD))[known] < 4.5 * error[known]).all()
    assert np.array_equal(found, drawn(LEARNT, draw(500, 0), NONE, seed=0))


def test_it_draws_with_the_memory_and_the_gaps_that_the_reference_shows():
    vectors = draw(500, 0)
    vectors[::4, 1] = np.nan
    found = drawn(LEARNT, vectors, Memory(0.4, 0.4), seed=0)
    assert found[:, -2:].mean(axis=0) == pytest.approx([0.0, 0.25], abs=0.01)
    as_drawn = serial(single(draw(40_000, 1, memory=0.4)), LAYOUT).factors
    whole = drawn(LEARNT, draw(500, 0), Memory(0.4, 0.4), seed=0)
    assert serial(whole, LAYOUT).factors == pytest.approx(as_drawn, rel=0.15)


@pytest.mark.parametrize("seed", range(4))
def test_where_the_model_is_right_the_reference_counts_by_its_size(seed):
    assert share(draw(1000, seed)) == pytest.approx(0.1, abs=0.1)


def heavy(vectors):
    """The same second moments, other tails."""
    rng, middle = np.random.default_rng(5), MEANS[np.argmin(((vectors[:, None] - MEANS) ** 2).sum(axis=2), axis=1)]
    return middle + (vectors - middle) * np.sqrt(3 / rng.chisquare(5, size=(len(vectors), 1)))


def stretched(vectors):
    return vectors * [1.3, 0.8]


@pytest.mark.parametrize("other", [heavy, stretched])
def test_where_the_model_is_wrong_the_reference_speaks_for_itself(other):
    assert share(other(draw(4000, 1))) > 0.8


def test_a_component_that_had_died_is_no_division_by_zero():
    weights = np.array([0.6, 0.4, 0.0])
    died = Parameters(weights, MEANS, SPREADS, P.precisions_cholesky)
    held = scores.held(died, FULL)
    vectors = draw(1000, 0, weights=weights)
    model = drawn(Frozen(died, held, FULL, 9000.0, APART), vectors, NONE, seed=0)
    assert np.isfinite(model).all()
    assert 0 < kept(single(vectors, held, died), model, LAYOUT, 9000.0, 1.0) < 0.5
