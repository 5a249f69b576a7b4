"""The sum of squared weights: the shortcut over ones is the plain sum, bit for bit."""

import numpy as np
import pytest

from streamgmm.mixture.effective_size import add_squares


@pytest.mark.parametrize("before", [0.0, 7.0, 0.1, 1e17 / 3, 2.0**53])
@pytest.mark.parametrize("weights", [np.ones(1000), np.r_[np.ones(500), 0.3, np.ones(499)], np.zeros(0)])
def test_squares_add_one_by_one(before, weights):
    total = before
    for weight in weights.tolist():
        total += weight * weight
    weights.setflags(write=False)
    assert add_squares(before, weights) == total
