import numpy as np
import pytest

from streamgmm.mixture.arrays import frozen
from streamgmm.mixture.factorise import precision_factors
from tests.mixture.samples import random_covariances


@pytest.mark.parametrize("d", [1, 2, 5, 12])
def test_the_factors_give_the_precision(d):
    covariances = random_covariances("full", 4, d, np.random.default_rng(d))
    factors, sound = precision_factors(frozen(covariances))
    assert sound.all()
    np.testing.assert_allclose(factors @ factors.transpose(0, 2, 1), np.linalg.inv(covariances), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(factors, np.triu(factors))


def test_says_which_are_not_positive_definite():
    good, indefinite = np.eye(2), np.array([[1.0, 2.0], [2.0, 1.0]])
    singular, broken = np.ones((2, 2)), np.full((2, 2), np.nan)
    zero, infinite = np.zeros((2, 2)), np.diag([1.0, np.inf])
    _, sound = precision_factors(frozen(np.stack([good, indefinite, singular, broken, zero, infinite, good])))
    assert sound.tolist() == [True, False, False, False, False, False, True]
