import math

import pytest

from streamgmm.mixture import stepwise_em
from streamgmm.mixture.given import given
from streamgmm.mixture.initialise import Start
from streamgmm.mixture.learning import checked
from streamgmm.mixture.selection import choose_k
from streamgmm.mixture.step_size import HalfLife, half_life
from tests.mixture.samples import learning


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0; it must be an integer of at least 1"),
        ({"exponent": 0.5}, "exponent is 0.5; it must be a finite number above 0.5"),
        ({"exponent": 1.1}, "at most 1"),
        ({"exponent": math.nan}, "exponent is nan"),
        ({"delay": -1.0}, "delay is -1.0"),
        ({"delay": math.inf}, "delay is inf"),
        ({"reg_relative": -1e-9}, "reg_relative"),
        ({"reg_covar": math.nan}, "reg_covar"),
        ({"half_life": HalfLife(batches=0.0)}, "batches is 0.0"),
        ({"max_gap": 0.0}, "max_gap is 0.0"),
    ],
)
def test_what_is_out_of_bounds_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        stepwise_em.init([[0.0], [1.0], [2.0]], 1, learning("full", **wrong))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"half_life": HalfLife(batches=0.5)}, "half_life.batches is 0.5; it must be at least 1"),
        ({"half_life": HalfLife(seconds=-1.0)}, "half_life.seconds is -1.0; it must be above 0"),
        ({"split": "no"}, "split is 'no'; it must be True or False"),
        ({"most_vectors": 0.0}, "most_vectors is 0.0"),
        ({"covariance": "full"}, "covariance is 'full'; it must be one of those that covariance.by_name gives"),
        ({"dead_components": "keep"}, "dead_components is 'keep'; it must be one that revive.by_name gives"),
    ],
)
def test_what_is_out_of_bounds_is_named_in_full(wrong, message):
    with pytest.raises(ValueError, match=message):
        checked(learning("full")._replace(**wrong))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(("5", "records", 256), "half_life is '5'"), ((5, "records", 0), "batch_size is 0; it must be an integer")],
)
def test_a_half_life_is_of_numbers(wrong, message):
    with pytest.raises(ValueError, match=message):
        half_life(*wrong)


def test_a_number_of_starts_is_at_least_one():
    with pytest.raises(ValueError, match="n_init is -5; it must be an integer of at least 1"):
        stepwise_em.init([[0.0], [1.0], [2.0]], 1, learning("full"), start=Start(n_init=-5))


def test_candidates_are_numbers():
    with pytest.raises(ValueError, match="candidates is 3; it must hold numbers"):
        choose_k([[0.0], [1.0], [2.0]], 3, learning("full"))


def test_a_half_life_in_seconds_asks_for_the_time():
    hyper = learning("full", half_life=HalfLife(seconds=10.0), delay=1e6)
    state = stepwise_em.init([[0.0], [1.0], [2.0]], 1, hyper)
    with pytest.raises(ValueError, match=r"event_time is None; with a half-life of 10.0 seconds"):
        stepwise_em.update(state, [[5.0]], hyper)
    state, _ = stepwise_em.update(state, [[1.0]], hyper, event_time=0.0)
    moved, _ = stepwise_em.update(state, [[5.0]], hyper, event_time=10.0)
    assert moved.parameters.means[0, 0] - state.parameters.means[0, 0] == pytest.approx(2.0, rel=1e-3)


def test_a_model_that_is_given_whole_needs_no_more_than_one_vector():
    whole = given(
        learning("diag").covariance,
        (2, 1),
        weights_init=[0.5, 0.5],
        means_init=[[0.0], [1.0]],
        covariances_init=[[1.0], [1.0]],
    )
    assert stepwise_em.init([[3.0]], 2, learning("diag"), start=Start(given=whole)).steps == 0
