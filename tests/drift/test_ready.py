import numpy as np

from streamgmm.drift import scores, transform
from streamgmm.drift.ready import ready
from tests.drift.models import FULL, parameters


def test_what_is_made_of_a_model_is_made_once_and_for_it_alone():
    one, other = parameters(), parameters((0.2, 0.3, 0.5))
    first, second = ready(one, FULL), ready(other, FULL)
    assert ready(one, FULL) is first
    assert ready(other, FULL) is second
    assert ready(parameters(), FULL) is not first
    for found, of in ((first, one), (second, other)):
        assert np.array_equal(found.held.roots, scores.held(of, FULL).roots)
        assert np.array_equal(found.held.factors, scores.held(of, FULL).factors)
        assert np.array_equal(found.margins.deviations, transform.margins(of, FULL).deviations)


def test_no_more_models_are_kept_than_a_few():
    first = parameters()
    kept = ready(first, FULL)
    for _ in range(20):
        ready(parameters(), FULL)
    assert ready(first, FULL) is not kept
