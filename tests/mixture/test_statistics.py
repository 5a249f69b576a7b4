import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.statistics import Statistics, blend, of_sums
from tests.mixture.samples import NAMES, leaves, random_covariances

K, D = 3, 2


def random_statistics(name, seed):
    generator = np.random.default_rng(seed)
    mass = generator.dirichlet(np.ones(K))
    return Statistics(mass, generator.normal(size=(K, D)), random_covariances(name, K, D, generator))


def assert_close(one, other):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_blend_at_its_ends(name):
    covariance, old, new = covariances.by_name(name), random_statistics(name, 1), random_statistics(name, 2)
    assert_close(blend(old, new, 0.0, covariance), old)
    assert_close(blend(old, new, 1.0, covariance), new)


@pytest.mark.parametrize("name", NAMES)
@given(first=st.floats(0.01, 0.99), second=st.floats(0.01, 0.99))
def test_blending_in_two_steps_is_blending_once(name, first, second):
    covariance, parts = covariances.by_name(name), [random_statistics(name, seed) for seed in range(3)]
    left = blend(blend(parts[0], parts[1], first, covariance), parts[2], second, covariance)
    kept = (1 - first) * (1 - second)
    right = blend(parts[0], blend(parts[1], parts[2], second / (1 - kept), covariance), 1 - kept, covariance)
    assert_close(left, right)


@pytest.mark.parametrize("name", NAMES)
def test_a_component_that_neither_has_seen_keeps_its_old_values(name):
    covariance, old, new = covariances.by_name(name), random_statistics(name, 1), random_statistics(name, 2)
    none = np.array([1.0, 0.0, 1.0])
    blended = blend(old._replace(mass=old.mass * none), new._replace(mass=new.mass * none), 0.3, covariance)
    np.testing.assert_array_equal(blended.mean[1], old.mean[1])
    assert blended.mass[1] == 0


def test_blend_matches_raw_moments():
    covariance, old, new = covariances.by_name("full"), random_statistics("full", 1), random_statistics("full", 2)

    def raw(s):
        return (
            s.mass,
            s.mass[:, None] * s.mean,
            s.scatter + s.mass[:, None, None] * s.mean[:, :, None] * s.mean[:, None],
        )

    blended = raw(blend(old, new, 0.2, covariance))
    for result, a, b in zip(blended, raw(old), raw(new), strict=True):
        np.testing.assert_allclose(result, 0.8 * a + 0.2 * b, rtol=1e-12)


def test_of_sums_divides_by_the_weight_and_places_what_has_no_mass():
    sums = Sums(4.0, np.array([4.0, 0.0]), np.array([[1.0], [0.0]]), np.array([[8.0], [0.0]]))
    statistics = of_sums(sums, np.array([[5.0], [6.0]]), covariances.by_name("diag"))
    assert_close(statistics, Statistics(np.array([1.0, 0]), np.array([[1.0], [6.0]]), np.array([[2.0], [0.0]])))


def test_arrays_are_read_only():
    blended = blend(random_statistics("full", 1), random_statistics("full", 2), 0.5, covariances.by_name("full"))
    assert not any(array.flags.writeable for array in blended)
