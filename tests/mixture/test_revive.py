import numpy as np
import pytest

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import revive, stepwise_em
from streamgmm.mixture.revive import Scene
from streamgmm.mixture.weak import Change
from tests.mixture.samples import NAMES, all_finite, as_full, bits, learning, random_state

K, D, SIZE = 3, 4, 5000.0


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def scene(name, seed=0):
    """A mixture whose component 1 holds a tenth of a vector."""
    state = random_state(name, K, D, np.random.default_rng(seed))
    mass = state.statistics.mass.copy()
    mass[1] = 0.1 / SIZE
    mass /= mass.sum()
    scale = mass / state.statistics.mass
    scatter = state.statistics.scatter
    scatter = scatter if name == "tied" else scatter * scale.reshape(-1, *(1,) * (scatter.ndim - 1))
    dead = state.statistics._replace(mass=mass, scatter=scatter)
    parameters = state.parameters._replace(weights=mass)
    return Scene(dead, parameters, SIZE, covariances.by_name(name), np.random.default_rng(seed))


def moments(name, statistics, members):
    """Mass, mean and covariance of some components together."""
    mass, mean = statistics.mass[members], statistics.mean[members]
    spread = as_full(name, covariances.by_name(name).form(statistics.scatter, statistics.mass), K, D)[members]
    centre = mass @ mean / mass.sum()
    off = mean - centre
    total = np.einsum("k,kij->ij", mass, spread) + np.einsum("k,ki,kj->ij", mass, off, off)
    return centre, total / mass.sum()


def test_keep_changes_nothing(name):
    before = scene(name)
    assert revive.revive(before, revive.by_name("keep")) == (before.statistics, ())


def test_split_keeps_the_moments_of_the_largest_together(name):
    before = scene(name)
    largest = int(before.statistics.mass.argmax())
    after, changes = revive.revive(before, revive.by_name("split"))
    assert changes == (Change("split", 1, largest),)
    assert after.mass.sum() == pytest.approx(1)
    assert after.mass[1] == after.mass[largest] == pytest.approx(before.statistics.mass[largest] / 2, rel=1e-4)
    if name == "spherical":  # spreads over all directions what lies in one
        old, new = (
            np.trace(moments(name, s, m)[1]) for s, m in ((before.statistics, [largest]), (after, [1, largest]))
        )
        assert new == pytest.approx(old)
    elif name != "tied":  # tied takes from all what the halves' distance adds
        for old, new in zip(
            moments(name, before.statistics, [largest]), moments(name, after, [1, largest]), strict=True
        ):
            np.testing.assert_allclose(new, old, rtol=1e-9, atol=1e-12)
    apart = after.mean[largest] - after.mean[1]
    spread = as_full(name, covariances.by_name(name).form(before.statistics.scatter, before.statistics.mass), K, D)
    widest = np.linalg.eigvalsh(spread[largest])[-1]
    assert np.linalg.norm(apart) == pytest.approx(np.sqrt(widest))
    np.testing.assert_allclose(spread[largest] @ apart, widest * apart, rtol=1e-8, atol=1e-8)


def test_tied_keeps_the_moments_of_all_together():
    before = scene("tied")
    after, _ = revive.revive(before, revive.by_name("split"))
    together = moments("tied", before.statistics, [0, 2]), moments("tied", after, [0, 1, 2])
    for old, new in zip(*together, strict=True):
        np.testing.assert_allclose(new, old, rtol=1e-3, atol=1e-3)


def test_respawn_takes_a_few_vectors_mass_and_a_living_ones_shape(name):
    before = scene(name)
    after, (change,) = revive.revive(before, revive.by_name("respawn"))
    assert (change.kind, change.component) == ("respawned", 1)
    assert after.mass.sum() == pytest.approx(1)
    assert after.mass[1] == pytest.approx((D + 1) / SIZE)
    spread = as_full(name, before.covariance.form(after.scatter, after.mass), K, D)
    np.testing.assert_allclose(spread[1], spread[change.parent], rtol=1e-12)
    again, _ = revive.revive(scene(name), revive.by_name("respawn"))
    assert bits(again) == bits(after)


def test_what_is_too_small_for_two_is_not_split(name):
    before = scene(name)._replace(effective_sample_size=9.0)
    assert revive.revive(before, revive.by_name("split"))[1] == ()


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="dead_components is 'bury'; it must be one of keep, respawn, split"):
        revive.by_name("bury")


@pytest.mark.parametrize("policy", ["respawn", "split"])
def test_in_a_stream_the_dead_come_back(name, policy):
    generator = np.random.default_rng(2)
    vectors = generator.normal(size=(4000, 2)) + 20 * generator.integers(0, 2, size=(4000, 1))
    hyper = learning(name, batch_size=100, delay=0.0, dead_components=revive.by_name(policy), averaging=True)
    state = random_state(name, 3, 2, generator)
    means = np.array([[0.0, 0.0], [20.0, 20.0], [1e4, 1e4]])
    parameters, statistics = state.parameters._replace(means=means), state.statistics._replace(mean=means)
    state, told = state._replace(parameters=parameters, statistics=statistics), []
    for part in np.split(vectors, 40):
        state, info = stepwise_em.update(state, part, hyper)
        told += info.step.changes
        assert all_finite(state)
        assert state.statistics.mass.sum() == pytest.approx(1)
        if any(change.parent is not None for change in info.step.changes):
            assert state.average.earlier is None
    assert state.revived == sum(change.parent is not None for change in told) > 0
    assert np.abs(state.parameters.means).max() < 40
