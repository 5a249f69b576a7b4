import numpy as np
import pytest

from streamgmm.drift import apart
from streamgmm.drift.reference import Reference
from tests.drift.models import FULL, IDS, MEANS, parameters


def reference():
    return Reference(parameters(), IDS, 1, 3, 1000.0)


def test_components_are_matched_by_id_and_the_largest_come_first():
    model, ids = parameters((0.2, 0.5, 0.3)), np.array([6, 4, 9])  # 9 is new, 5 is gone
    found = apart.apart((model._replace(means=MEANS[[2, 0, 1]]), ids), reference(), FULL)
    assert [one.component for one in found] == [4, 6]
    assert all(one.shift == 0 and one.divergence > 0 and one.bhattacharyya > 0 for one in found)


def test_what_has_not_moved_is_nowhere_else_and_what_has_is_told_in_each_measure():
    moved = MEANS + np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    found = apart.Comparison((parameters()._replace(means=moved), IDS), reference(), FULL).components
    assert [one.component for one in found] == [4, 5, 6]
    for still in found[:2]:
        assert still[1:] == pytest.approx((0, 0, 0, 0), abs=1e-6)
    squared = 1 / (1 - 0.4**2)  # of the shift, under a correlation of -0.4
    assert found[2][1:] == pytest.approx((np.sqrt(squared), squared, squared / 8, 1.0))


def test_at_most_so_many_are_told_of():
    k = 200
    spreads = np.broadcast_to(np.eye(2), (k, 2, 2))
    weights = np.arange(1.0, k + 1) / sum(range(k + 1))
    many = parameters()._replace(
        weights=weights, means=np.zeros((k, 2)), covariances=spreads, precisions_cholesky=spreads
    )
    found = apart.apart((many, np.arange(k)), Reference(many, np.arange(k), 1, 3, 1000.0), FULL)
    assert [one.component for one in found] == list(range(k - 1, k - 1 - apart.MOST, -1))
