import numpy as np
import pytest

from streamgmm.mixture import stepwise_em
from streamgmm.mixture.merge import merge
from tests.mixture.samples import NAMES, learning, leaves, random_state


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture(params=[0.0, 0.2])
def parts(request, name):
    """A state, and three pieces of a stream of which some values are missing."""
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(1500, 3)) * 3 + 1e4
    vectors[generator.uniform(size=vectors.shape) < request.param] = np.nan
    state = random_state(name, 3, 3, generator)
    state = state._replace(parameters=state.parameters._replace(means=state.parameters.means + 1e4))
    return state, np.split(vectors, [100, 900]), generator.uniform(0.5, 2, size=1500)


def scored(name, state, vectors):
    return stepwise_em.score(state, vectors, np.linspace(0.5, 2, len(vectors)), learning(name))[0]


def assert_close(one, other):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def learnt(state, name):
    return stepwise_em.learn(state, learning(name))


def test_merging_is_having_scored_both(name, parts):
    state, (one, other, _), _ = parts
    merged = merge(scored(name, state, one), scored(name, state, other), learning(name))
    both = stepwise_em.score(scored(name, state, one), other, np.linspace(0.5, 2, len(other)), learning(name))[0]
    assert_close(learnt(merged, name), learnt(both, name))


def test_merging_is_associative_and_commutative(name, parts):
    state, pieces, _ = parts
    a, b, c = (scored(name, state, piece) for piece in pieces)
    hyper = learning(name)
    left, right = merge(merge(a, b, hyper), c, hyper), merge(a, merge(b, c, hyper), hyper)
    assert_close(learnt(left, name), learnt(right, name))
    assert_close(learnt(merge(a, b, hyper), name), learnt(merge(b, a, hyper), name))


def test_merging_with_nothing_is_the_same(name, parts):
    state, (one, _, _), _ = parts
    alone = scored(name, state, one)
    assert_close(learnt(merge(alone, state, learning(name)), name), learnt(alone, name))


def test_learners_that_look_out_for_splits_are_merged_too(name, parts):
    state, (one, other, _), _ = parts
    watching = learning(name, split=True)
    state, _ = stepwise_em.learn(scored(name, state, one), watching)
    assert state.lookout is not None
    a, b = (stepwise_em.score(state, piece, None, watching)[0] for piece in (one, other))
    assert learnt(merge(a, b, watching), name)[0].steps == state.steps + 1


@pytest.mark.parametrize("change", [{"average": None}, {"background": 0.5}, {"repairs": 7}])
def test_what_differs_in_anything_that_was_learnt_is_refused(name, parts, change):
    state, (one, other, _), _ = parts
    averaging = learning(name, averaging=True)
    state, _ = stepwise_em.learn(scored(name, state, one), averaging)
    a, b = (stepwise_em.score(state, piece, None, averaging)[0] for piece in (one, other))
    with pytest.raises(ValueError, match="different models"):
        merge(a, b._replace(**change), averaging)


def test_what_was_learnt_apart_is_refused(name, parts):
    state, (one, other, _), _ = parts
    apart = learnt(scored(name, state, one), name)[0]
    with pytest.raises(ValueError, match="different models"):
        merge(apart, scored(name, state, other), learning(name))
