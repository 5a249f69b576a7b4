"""The sum of squared weights: the shortcut over ones is the plain sum, bit for bit; and what an average is worth."""

import numpy as np
import pytest

from streamgmm.mixture.effective_size import add_squares, of_average


@pytest.mark.parametrize("before", [0.0, 7.0, 0.1, 1e17 / 3, 2.0**53])
@pytest.mark.parametrize("weights", [np.ones(1000), np.r_[np.ones(500), 0.3, np.ones(499)], np.zeros(0)])
def test_squares_add_one_by_one(before, weights):
    total = before
    for weight in weights.tolist():
        total += weight * weight
    weights.setflags(write=False)
    assert add_squares(before, weights) == total


@pytest.mark.parametrize(("rate", "batches"), [(0.1, 40), (0.1, 4), (0.02, 300), (0.05, 1)])
def test_an_average_of_statistics_is_worth_what_its_shares_say(rate, batches):
    shares = np.zeros(2000)  # of batches, newest last, in the average of the last ones' statistics
    for end in range(2000 - batches, 2000):
        age = end - np.arange(end + 1)
        shares[: end + 1] += rate * (1 - rate) ** age / batches
    size = (2 - rate) / rate  # of the statistics
    worth = 1 / (shares**2).sum()
    assert of_average(size, batches, learnt=2000) == pytest.approx(worth, rel=0.08)
    assert of_average(size, batches, learnt=worth / 2) == max(size, worth / 2)
