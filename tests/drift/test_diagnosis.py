import numpy as np
import pytest
from scipy.special import entr

from streamgmm.drift import diagnosis, e_step, monitor, scores, transform
from streamgmm.service.plain import to_plain
from tests.drift.models import FULL, draw, frozen, parameters, plan, watching

PLAN = plan(reference_size=16_000)


def distances(state):
    return transform.distances(state.diagnosis.now.shares, state.diagnosis.usual.shares)


def test_the_references_own_are_the_means_over_every_so_manieth_vector():
    rows = draw(4000, 0)
    state, _ = monitor.update(frozen(), rows, plan())
    chosen = rows[:: diagnosis.EVERY]
    output = e_step.e_step(parameters(), scores.held(parameters(), FULL), chosen, FULL)
    usual = state.diagnosis.usual
    assert usual.vectors == len(chosen) == 125
    assert usual.entropy == pytest.approx(entr(output.responsibilities).sum(axis=1).mean())
    u = transform.transforms(transform.margins(parameters(), FULL), chosen, output.responsibilities)
    counts = np.stack([np.histogram(u[:, i], transform.BINS, (0, 1))[0] for i in (0, 1)])
    np.testing.assert_allclose(usual.shares, (counts + 0.1) / 126)  # a uniform vector beside them
    assert to_plain(state.diagnosis.now) == to_plain(usual)
    assert state.diagnosis.outliers == PLAN.outlier_quantile


def test_where_nothing_changes_little_does():
    state, _ = monitor.update(watching(PLAN), draw(30_000, 2), PLAN)
    assert distances(state).max() < 0.13
    assert state.diagnosis.outliers == pytest.approx(PLAN.outlier_quantile, abs=0.006)
    assert state.diagnosis.now.entropy == pytest.approx(state.diagnosis.usual.entropy, abs=0.03)


def test_a_component_that_moves_is_seen_in_its_feature_and_a_strange_one_as_outliers():
    state, _ = monitor.update(watching(PLAN), draw(20_000, 3, shift=(2.0, 0.0)), PLAN)
    along, across = distances(state)
    assert along == pytest.approx(0.173, abs=0.06)  # of all 20 000, looked at closely
    assert across < 0.08
    state, _ = monitor.update(state, draw(20_000, 3) + 40.0, PLAN)
    assert state.diagnosis.outliers > 0.9


def test_a_change_of_weights_alone_moves_no_transform():
    state, _ = monitor.update(watching(PLAN), draw(20_000, 4, weights=(0.2, 0.2, 0.6)), PLAN)
    assert distances(state).max() < 0.13


def test_gaps_count_for_the_features_that_are_known_and_are_no_outliers():
    rows = draw(4000, 0)
    rows[:, 1] = np.nan
    state, _ = monitor.update(frozen(), rows, plan())
    assert state.diagnosis.usual.shares[1] == pytest.approx(np.full(transform.BINS, 0.1))
    assert state.diagnosis.usual.shares.sum(axis=1) == pytest.approx([1, 1])
    state, info = monitor.update(state, rows[:100] - 500.0, plan())
    assert (info.outlier == monitor.UNKNOWN).all()
    assert state.diagnosis.outliers == PLAN.outlier_quantile


def test_a_component_that_had_died_in_the_reference_is_no_division_by_zero():
    state, _ = monitor.update(frozen((1.0, 0.0, 0.0)), draw(6000, 0, weights=(1.0, 0.0, 0.0)), plan())
    assert np.isfinite(state.diagnosis.now.shares).all()
    assert np.isfinite(state.diagnosis.now.entropy)
