"""Which components overlap: what rules a pair out never rules out one that overlaps."""

import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.between import between, bhattacharyya
from streamgmm.mixture.overlap import overlapping
from tests.mixture.samples import NAMES, random_parameters

K, D = 12, 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bound", [0.5, 0.7, 0.9])
def test_pairs_are_those_above_the_bound_nearest_first(name, bound):
    covariance, generator = covariances.by_name(name), np.random.default_rng(5)
    parameters = random_parameters(name, K, D, generator)
    close = parameters.means / 2
    parameters = parameters._replace(means=close)
    all_pairs = np.triu_indices(K, 1)
    overlap = np.exp(-bhattacharyya(between(parameters, parameters, all_pairs, covariance)))
    wanted = {
        pair for pair, o in zip(zip(*(p.tolist() for p in all_pairs), strict=True), overlap, strict=True) if o > bound
    }
    found = overlapping(parameters, np.ones(K, np.bool_), bound, covariance)
    pairs = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    of = dict(zip(zip(*(p.tolist() for p in all_pairs), strict=True), overlap, strict=True))
    assert set(pairs) <= wanted
    assert {i for i, _ in wanted} == {i for i, _ in pairs}  # of each at least the four most alike are looked at
    assert [of[pair] for pair in pairs] == sorted((of[pair] for pair in pairs), reverse=True)


def test_only_the_eligible_are_paired():
    parameters = random_parameters("full", 3, D, np.random.default_rng(0))
    same = parameters._replace(
        means=np.zeros((3, D)),
        covariances=np.stack([parameters.covariances[0]] * 3),
        precisions_cholesky=np.stack([parameters.precisions_cholesky[0]] * 3),
    )
    found = overlapping(same, np.array([True, False, True]), 0.99, covariances.by_name("full"))
    assert (found.first.tolist(), found.second.tolist()) == ([0], [2])
    nobody = overlapping(same, np.zeros(3, np.bool_), 0.5, covariances.by_name("full"))
    assert len(nobody.first) == 0
    assert len(overlapping(same, np.ones(3, np.bool_), 1.0, covariances.by_name("full")).first) == 0
