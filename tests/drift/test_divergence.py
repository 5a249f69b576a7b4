import numpy as np
import pytest
from scipy.special import rel_entr

from streamgmm.drift import divergence
from streamgmm.drift.divergence import jensen_shannon, population_stability_index

P, Q = np.array([0.5, 0.5]), np.array([0.25, 0.75])


@pytest.mark.parametrize("of", [population_stability_index, jensen_shannon])
def test_equal_weights_have_no_distance(of):
    assert of(np.array([0.2, 0.8]), np.array([0.2, 0.8])) == 0


def test_the_textbook_sum():
    assert population_stability_index(P, Q) == pytest.approx(0.25 * np.log(2) - 0.25 * np.log(0.5 / 0.75))


def test_a_vanished_component_stays_finite():
    assert 1 < population_stability_index(np.array([0.0, 1.0]), P) < 10


def test_jensen_shannon_is_the_mean_divergence_from_the_middle():
    middle = (P + Q) / 2
    assert jensen_shannon(P, Q) == pytest.approx((rel_entr(P, middle).sum() + rel_entr(Q, middle).sum()) / 2)
    assert jensen_shannon(P, Q) == jensen_shannon(Q, P)


def test_jensen_shannon_ends_at_log_2_without_a_floor():
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(np.log(2))


def test_the_effective_number_counts_equal_components():
    assert divergence.effective_number(np.full(7, 1 / 7)) == pytest.approx(7)
    assert divergence.effective_number(np.array([1.0, 0.0, 0.0])) == 1
    assert divergence.entropy(Q) == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))


def test_weights_are_matched_by_id_and_not_by_place():
    p, q = divergence.aligned(np.array([0.7, 0.3]), np.array([5, 2]), np.array([0.6, 0.4]), np.array([2, 9]))
    assert (p.tolist(), q.tolist()) == ([0.3, 0.7, 0.0], [0.6, 0.0, 0.4])
