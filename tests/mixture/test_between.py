"""Closed forms against integrals, and what holds whatever the coordinates."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.between import between, bhattacharyya, mahalanobis, symmetric_divergence
from streamgmm.mixture.parameters import Parameters
from tests.mixture.samples import NAMES, as_full, random_state

FULL = covariances.by_name("full")
FIRST = np.array([0]), np.array([0])


def one(mean, spread):
    mean, spread = np.atleast_1d(mean), np.atleast_2d(spread)
    factors, _ = FULL.factorise(spread[None])
    return Parameters(np.ones(1), mean[None], spread[None], factors)


def integral(function):
    return quad(function, -60, 60, points=[-1, 0, 1, 2], limit=400, epsabs=1e-12)[0]


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1.5, 1.0), (0.0, 2.5), (-0.7, 0.4)])
def test_in_one_dimension_they_are_the_integrals(mean, deviation):
    p, q = norm(0.3, 1.2), norm(mean, deviation)
    pair = between(one(0.3, 1.44), one(mean, deviation**2), FIRST, FULL)
    overlap = integral(lambda x: np.sqrt(p.pdf(x) * q.pdf(x)))
    both = integral(lambda x: (p.pdf(x) - q.pdf(x)) * (p.logpdf(x) - q.logpdf(x)))
    assert bhattacharyya(pair)[0] == pytest.approx(-np.log(overlap), abs=1e-9)
    assert symmetric_divergence(pair)[0] == pytest.approx(both, abs=1e-8)
    assert mahalanobis(pair)[0] == pytest.approx(abs(mean - 0.3) / 1.2)


@pytest.mark.parametrize("name", NAMES)
def test_in_many_they_are_the_textbooks_for_every_type(name):
    shape, rng = covariances.by_name(name), np.random.default_rng(3)
    a, b = (random_state(name, 4, 3, rng).parameters for _ in range(2))
    pairs = np.array([0, 1, 3]), np.array([2, 1, 0])
    found = between(a, b, pairs, shape)
    left, right = (as_full(name, mixture.covariances, 4, 3) for mixture in (a, b))
    for m, (i, j) in enumerate(zip(*pairs, strict=True)):
        s, t, away = left[i], right[j], b.means[j] - a.means[i]
        middle = (s + t) / 2
        logs = [np.linalg.slogdet(matrix)[1] for matrix in (middle, s, t)]
        assert bhattacharyya(found)[m] == pytest.approx(
            away @ np.linalg.solve(middle, away) / 8 + (logs[0] - (logs[1] + logs[2]) / 2) / 2
        )
        precisions = np.linalg.inv(s), np.linalg.inv(t)
        traces = np.trace(precisions[1] @ s) + np.trace(precisions[0] @ t) - 2 * len(s)
        assert symmetric_divergence(found)[m] == pytest.approx((traces + away @ (sum(precisions)) @ away) / 2)
        assert mahalanobis(found)[m] == pytest.approx(np.sqrt(away @ precisions[0] @ away))


def test_units_and_axes_change_nothing():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    spread, other = np.eye(3), root @ root.T + np.eye(3)
    away, scale = rng.normal(size=3), np.diag([1e-6, 1.0, 1e5]) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    plain = between(one(np.zeros(3), spread), one(away, other), FIRST, FULL)
    there = between(one(np.zeros(3), scale @ scale.T), one(scale @ away, scale @ other @ scale.T), FIRST, FULL)
    for distance in (mahalanobis, symmetric_divergence, bhattacharyya):
        assert distance(there)[0] == pytest.approx(distance(plain)[0], rel=1e-4)


def test_a_gaussian_is_nowhere_but_at_itself():
    for name in NAMES:
        parameters = random_state(name, 3, 4, np.random.default_rng(1)).parameters
        places = np.arange(3)
        pairs = between(parameters, parameters, (places, places), covariances.by_name(name))
        for distance in (mahalanobis, symmetric_divergence, bhattacharyya):
            assert distance(pairs) == pytest.approx(0, abs=1e-20)
