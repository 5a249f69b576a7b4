import numpy as np
import pytest

from streamgmm.drift.divergence import population_stability_index


def test_equal_weights_have_no_distance():
    assert population_stability_index(np.array([0.2, 0.8]), np.array([0.2, 0.8])) == 0


def test_the_textbook_sum():
    p, q = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    assert population_stability_index(p, q) == pytest.approx(0.25 * np.log(2) - 0.25 * np.log(0.5 / 0.75))


def test_a_vanished_component_stays_finite():
    assert 1 < population_stability_index(np.array([0.0, 1.0]), np.array([0.5, 0.5])) < 10
