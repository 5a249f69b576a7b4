"""What becomes one is merged, what becomes two is split, and a stream that does not change brings about neither."""

import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import gaussian, lookout, revive, soundness, stepwise_em
from streamgmm.mixture.between import between, bhattacharyya
from streamgmm.mixture.given import given
from streamgmm.mixture.initialise import Start
from streamgmm.mixture.overlap import Pairs
from streamgmm.mixture.step_size import half_life
from streamgmm.mixture.vacancy import vacant
from streamgmm.service.plain import from_plain, to_plain
from tests.mixture.samples import NAMES, all_finite, bits, learning

BATCH, D = 128, 3
BOTH = {"batch_size": BATCH, "half_life": half_life(50, "batches", BATCH), "merge": 0.8, "split": True}
FAR = np.array([[-6.0, 0, 0], [6, 0, 0], [0, 10, 0], [0, -12, 0]])
SHARES = np.array([0.2, 0.2, 0.35, 0.25])


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def drawn(generator, n, fused=0.0, apart=0.0):
    """Four clusters; the first two have come so far together, the third is two that lie so far apart."""
    which = generator.choice(4, size=n, p=SHARES)
    means = FAR.copy()
    means[:2, 0] *= 1 - fused
    vectors = means[which] + generator.normal(size=(n, D))
    vectors[:, 2] += apart * ((which == 2) & (generator.random(n) < 0.5))
    return vectors


def changing(generator, size=8192):
    """The first two clusters come together, then the third divides."""
    for fused in (0, *np.linspace(0, 1, 8), *[1] * 8):
        yield drawn(generator, size, fused)
    for apart in (*np.linspace(0, 5, 6), *[5] * 12):
        yield drawn(generator, size, 1, apart)


def known(name):
    """A start at the four clusters."""
    shape = covariances.by_name(name)
    spread = {"full": np.stack([np.eye(D)] * 4), "tied": np.eye(D), "diag": np.ones((4, D)), "spherical": np.ones(4)}
    parts = {"weights_init": SHARES, "means_init": FAR, "covariances_init": spread[name]}
    return Start(given=given(shape, (4, D), **parts))


def started(name, hyper):
    return stepwise_em.init(np.eye(5, D), 4, hyper, start=known(name))


def learnt(state, blocks, hyper, pieces=(BATCH,)):
    """What a stream of blocks leads to, and what it changed; `pieces` are how batches are cut into calls."""
    told = []
    for block in blocks:
        for batch in np.split(block, len(block) // BATCH):
            for part in np.split(batch, np.cumsum(pieces)[:-1]):
                state, _ = stepwise_em.score(state, part, None, hyper)
            state, info = stepwise_em.learn(state, hyper)
            told += info.changes
    return state, told


def test_two_that_fuse_are_merged_and_one_that_divides_takes_the_place(name):
    hyper = learning(name, averaging=True, **BOTH)
    state, told = learnt(started(name, hyper), changing(np.random.default_rng(1)), hyper)
    merge, split = told
    assert (merge.kind, {merge.component, merge.parent}) == ("merged", {0, 1})
    assert (split.kind, split.component, split.parent) == ("split", merge.component, 2)
    assert state.revived == 1
    assert all_finite(state)
    order = np.argsort(state.parameters.means[:, 2])
    np.testing.assert_allclose(state.parameters.means[merge.parent], [0, 0, 0], atol=0.3)
    np.testing.assert_allclose(state.parameters.means[order[-1]], [0, 10, 5], atol=0.3)
    np.testing.assert_allclose(state.parameters.weights[[merge.parent, 2]], [0.4, 0.175], atol=0.03)
    assert state.statistics.mass.sum() == pytest.approx(1, abs=1e-12)


def test_a_stream_that_does_not_change_brings_about_nothing(name):
    hyper = learning(name, **BOTH)
    generator = np.random.default_rng(3)
    state, told = learnt(started(name, hyper), (drawn(generator, 8192) for _ in range(12)), hyper)
    assert told == []
    assert state.lookout.profile.turn.max() >= 4  # it was looked at


@pytest.fixture(scope="module")
def undisturbed():
    hyper = learning("full", averaging=True, **BOTH)
    blocks = list(changing(np.random.default_rng(1)))
    return hyper, blocks, *learnt(started("full", hyper), blocks, hyper)


def test_the_same_stream_leads_to_the_same_bits_however_it_is_cut(undisturbed):
    hyper, blocks, whole, told = undisturbed
    pieces, again = learnt(started("full", hyper), blocks, hyper, pieces=(1, 60, 7, 33, 27))
    assert [change.kind for change in told] == ["merged", "split"]
    assert (bits(whole), told) == (bits(pieces), again)


def test_a_state_that_was_kept_goes_on_as_if_nothing_had_happened(undisturbed):
    hyper, blocks, whole, told = undisturbed
    state, seen = started("full", hyper), []
    for block in blocks:
        state, more = learnt(state, [block[:-BATCH]], hyper)
        state, _ = stepwise_em.score(state, block[-BATCH:-50], None, hyper)
        state = from_plain(stepwise_em.State, to_plain(state))
        state, _ = stepwise_em.score(state, block[-50:], None, hyper)
        state, info = stepwise_em.learn(state, hyper)
        seen += [*more, *info.changes]
    assert (bits(whole), told) == (bits(state), seen)


def two_alike(name, hyper):
    """A model of which components 0 and 1 are nearly the same."""
    state = started(name, hyper)
    means = FAR.copy()
    means[:2] = [[0.1, 0, 0], [-0.1, 0, 0]]
    together = state.parameters._replace(means=means), state.statistics._replace(mean=means)
    return state._replace(parameters=together[0], statistics=together[1])


def test_what_overlaps_must_do_so_three_times_in_a_row(name):
    hyper = learning(name, **BOTH)
    generator = np.random.default_rng(0)
    state, told = two_alike(name, hyper), []
    for checks in range(lookout.PATIENCE):
        assert state.lookout is None or state.lookout.close.tolist() == [checks, checks, 0, 0]
        state, told = learnt(state, [drawn(generator, lookout.EVERY * BATCH, fused=1)], hyper)
    assert [change.kind for change in told] == ["merged"]
    into = told[0].parent
    assert state.lookout.rest[[0, 1]].tolist() == [lookout.REST - 1] * 2
    assert state.parameters.weights[into] == pytest.approx(0.4, abs=0.02)


def vacated(name, hyper):
    state, told = two_alike(name, hyper), []
    while not told:
        state, told = learnt(state, [drawn(np.random.default_rng(0), lookout.EVERY * BATCH, fused=1)], hyper)
    return state, told[0].component


def test_no_vector_belongs_to_a_vacant_place_even_where_it_was(name):
    hyper = learning(name, **BOTH)
    state, place = vacated(name, hyper)
    assert np.flatnonzero(vacant(state.parameters.weights)).tolist() == [place]
    there = state.parameters.means[[place]]
    for vectors in (there, there + 1e9, np.full((1, D), np.nan) * [1, 0, 0] + there):
        scored, info = stepwise_em.score(state, vectors, None, hyper)
        assert info.responsibilities[0, place] == 0.0
        assert info.responsibilities.sum() == pytest.approx(1)
        assert stepwise_em.learn(scored, hyper)[0].statistics.mass[place] == 0.0
    np.testing.assert_allclose(
        gaussian.responsibilities(state.parameters, there, hyper.covariance),
        stepwise_em.score(state, there, None, hyper)[1].responsibilities,
        atol=1e-12,
    )


@pytest.mark.parametrize("policy", ["keep", "respawn", "split"])
def test_a_policy_for_the_dead_leaves_a_vacant_place_alone(policy):
    hyper = learning("full", dead_components=revive.by_name(policy), **BOTH)
    state, place = vacated("full", hyper)
    state, told = learnt(state, [drawn(np.random.default_rng(0), 50 * BATCH, fused=1)], hyper)
    assert told == []
    assert state.parameters.weights[place] < 1e-200


def test_without_a_place_nothing_is_split():
    hyper = learning("full", **{**BOTH, "merge": None})
    generator = np.random.default_rng(0)
    state, told = learnt(started("full", hyper), (drawn(generator, 8192, apart=5) for _ in range(12)), hyper)
    assert told == []
    assert state.lookout.valleys[2] == 2


def test_the_place_of_a_dead_component_is_taken_too():
    hyper = learning("full", **{**BOTH, "merge": None})
    state, generator = started("full", hyper), np.random.default_rng(0)
    without_the_last = (block[block[:, 1] > -6][: 40 * BATCH] for block in (drawn(generator, 8192) for _ in range(20)))
    state, told = learnt(state, without_the_last, hyper)
    assert [change.kind for change in told] == ["weakened", "died"]
    divided = (block[block[:, 1] > -6][: 40 * BATCH] for block in (drawn(generator, 8192, apart=5) for _ in range(20)))
    state, told = learnt(state, divided, hyper)
    assert [(change.kind, change.component, change.parent) for change in told] == [("split", 3, 2)]
    assert state.statistics.mass.sum() == pytest.approx(1)


def test_nothing_is_looked_at_where_it_is_not_asked_for():
    state, _ = learnt(
        started("full", learning("full", batch_size=BATCH)),
        [drawn(np.random.default_rng(0), 8192)],
        learning("full", batch_size=BATCH),
    )
    assert state.lookout is None
    watched, _ = learnt(state, [drawn(np.random.default_rng(0), 8192)], learning("full", **BOTH))
    assert watched.lookout is not None
    again, _ = learnt(watched, [drawn(np.random.default_rng(0), 8192)], learning("full", batch_size=BATCH))
    assert again.lookout is None


def test_splits_are_looked_for_from_when_they_are_asked_for_until_they_no_longer_are():
    only, block = learning("full", batch_size=BATCH, merge=0.8), drawn(np.random.default_rng(0), 8192)
    state, _ = learnt(started("full", only), [block], only)
    assert state.lookout.profile is None
    state, _ = learnt(state, [block], learning("full", **BOTH))
    assert state.lookout.profile is not None
    state, _ = learnt(state, [block], only)
    assert state.lookout.profile is None


@pytest.mark.parametrize("merge", [0.4, 1.1, np.nan])
def test_a_bound_that_is_none_is_refused(merge):
    with pytest.raises(ValueError, match=r"merge is .*; it must be a finite number at least 0\.5 and at most 1"):
        stepwise_em.update(started("full", learning("full")), np.zeros((4, D)), learning("full", merge=merge))


def test_a_bound_that_nothing_is_above_is_refused():
    with pytest.raises(ValueError, match="merge is 1; it must be below 1"):
        stepwise_em.update(started("full", learning("full")), np.zeros((4, D)), learning("full", merge=1.0))


def test_checks_count_for_a_pair_not_for_each_of_it():
    found = lookout.begin(started("full", learning("full")).statistics, learning("full", merge=0.8))
    for first, second, close in (
        ([0], [1], [1, 1, 0, 0]),
        ([1], [2], [0, 1, 1, 0]),  # the middle one overlaps with another each time: nothing adds up
        ([0], [1], [1, 1, 0, 0]),
        ([1, 0], [2, 1], [2, 2, 0, 0]),  # who was a partner stays one, although another overlaps more
        ([1, 0, 2], [2, 1, 3], [3, 3, 1, 1]),
    ):
        found = lookout._paired(found, Pairs(np.array(first), np.array(second)))
        assert found.close.tolist() == close
    assert found.partner.tolist() == [1, 0, 3, 2]


@pytest.mark.long
@pytest.mark.parametrize("seed", range(6))
def test_a_million_vectors_that_do_not_change_bring_about_nothing(name, seed):
    """From random mixtures whose clusters lie two standard deviations apart or more, by the step size and a half-life.

    The model starts where they are: what a start has got wrong would rightly be put right.
    """
    generator = np.random.default_rng(seed)
    k, d, forgets = (5, 2, True) if seed % 2 else (10, 8, False)
    means, shares = generator.normal(size=(k, d)), generator.dirichlet(np.full(k, 5.0))
    means *= (2.0 + seed / 2) / min(np.linalg.norm(means[i] - means[j]) for i in range(k) for j in range(i))
    shape = covariances.by_name(name)
    spread = {"full": np.stack([np.eye(d)] * k), "tied": np.eye(d), "diag": np.ones((k, d)), "spherical": np.ones(k)}
    start = given(shape, (k, d), weights_init=shares, means_init=means, covariances_init=spread[name])
    hyper = learning(name, **{**BOTH, "batch_size": 512} if forgets else {"merge": 0.8, "split": True})
    state = stepwise_em.init(np.eye(k + 1, d), k, hyper, start=Start(given=start))
    for _ in range(2000):
        batch = means[generator.choice(k, size=512, p=shares)] + generator.normal(size=(512, d))
        state, _ = stepwise_em.update(state, batch, hyper)
    assert state.revived == 0 and not vacant(state.parameters.weights).any()
    assert state.lookout.profile.turn.min() > 5


def test_bounds_of_both_tests_exclude_each_other():
    """Where two lie as far apart as a valley asks for, they overlap by less than the smallest bound."""
    hyper = learning("full", **BOTH)
    state = started("full", hyper)
    apart = state.parameters._replace(means=FAR * 0 + np.array([[0, 0, 0], [2.85, 0, 0], [9, 9, 9], [-9, -9, -9]]))
    overlap = np.exp(-bhattacharyya(between(apart, apart, (np.array([0]), np.array([1])), hyper.covariance)))
    assert overlap[0] < 0.5


@pytest.mark.parametrize("field", ["close", "partner", "rest", "valleys"])
def test_a_look_out_of_another_size_is_refused(field):
    hyper = learning("full", **BOTH)
    state, _ = learnt(started("full", hyper), [drawn(np.random.default_rng(0), BATCH)], hyper)
    soundness.check_statistics(state, hyper.covariance)
    wrong = state.lookout._replace(**{field: np.zeros(3)})
    with pytest.raises(ValueError, match=rf"lookout\.{field} is float64 of shape \(3,\); it must be float64 of shape"):
        soundness.check_statistics(state._replace(lookout=wrong), hyper.covariance)
    narrow = state.lookout.profile._replace(counts=np.zeros((4, 7)))
    with pytest.raises(ValueError, match=r"lookout\.profile\.counts is float64 of shape \(4, 7\)"):
        soundness.check_statistics(state._replace(lookout=state.lookout._replace(profile=narrow)), hyper.covariance)
