"""What is kept of a model: the same for the same numbers, another for others, and never two threads' at once."""

import threading

import numpy as np
import pytest

from streamgmm.mixture import gaussian, scoring
from streamgmm.mixture.missing import _BY_ORDER
from streamgmm.mixture.prepared import borrow, prepared
from tests.mixture.samples import NAMES, bits, learning, random_state


def _model(name, seed):
    state, hyper = random_state(name, 3, 5, np.random.default_rng(seed)), learning(name)
    return gaussian.model(state.parameters, hyper.covariance), _BY_ORDER[hyper.covariance.kernel.order].mixture


@pytest.mark.parametrize("name", NAMES)
def test_a_model_with_the_same_numbers_is_found_again_and_another_is_not(name):
    (model, mixture), (again, _), (other, _) = _model(name, 1), _model(name, 1), _model(name, 2)
    kept = prepared(model, mixture)
    assert again is not model
    assert prepared(again, mixture) is kept
    assert prepared(other, mixture) is not kept


def test_only_the_last_models_are_kept():
    first = _model("full", 10)
    kept = prepared(*first)
    for seed in range(11, 14):
        prepared(*_model("full", seed))
    assert prepared(*first) is not kept


def test_one_that_is_asked_for_again_stays():
    first = _model("full", 14)
    kept = prepared(*first)
    for seed in range(15, 20):
        prepared(*_model("full", seed))
        assert prepared(*first) is kept


def test_a_table_is_one_borrowers_until_it_is_put_back():
    kept = prepared(*_model("diag", 20))
    kept.tables.clear()
    one, other = borrow(kept), borrow(kept)
    assert one.used is not other.used
    kept.tables.append(one)
    assert borrow(kept).used is one.used


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_changes_no_bit_nor_do_others_who_use_it(name):
    state, hyper = random_state(name, 3, 5, np.random.default_rng(30)), learning(name)
    generator = np.random.default_rng(31)
    vectors = np.where(generator.uniform(size=(700, 5)) < 0.3, np.nan, generator.normal(size=(700, 5)) * 3)
    vectors[:, 0] = 1.0
    said = bits(scoring.e_step(state.parameters, vectors, hyper.covariance))
    found = []

    def again():
        found.extend(bits(scoring.e_step(state.parameters, vectors, hyper.covariance)) == said for _ in range(20))

    others = [threading.Thread(target=again) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert found == [True] * 60
