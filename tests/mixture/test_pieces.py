import tracemalloc

import numpy as np
import pytest

from streamgmm.mixture import background, pieces, scoring, stepwise_em
from tests.mixture.samples import NAMES, bits, learning, random_state


def _everything(name, d):
    """A learning that makes use of all that looks at a row: the background and the look-out too."""
    beside = background.over(np.full(d, -20.0), np.full(d, 20.0))
    return learning(name)._replace(background=beside, split=True, merge=0.9)


def _vectors(n, d, gaps=0.1):
    generator = np.random.default_rng(1)
    vectors = generator.normal(size=(n, d)) * 3
    vectors[generator.uniform(size=n) < gaps, 0] = np.nan
    return vectors


@pytest.mark.parametrize("name", NAMES)
def test_pieces_leave_no_trace(name, monkeypatch):
    state, hyper, vectors = random_state(name, 3, 4, np.random.default_rng(0)), _everything(name, 4), _vectors(3000, 4)
    begun = stepwise_em.begin(state.statistics, state.parameters, hyper)
    begun, _ = stepwise_em.update(begun, vectors[:512], hyper)  # makes the look-out
    whole = (
        stepwise_em.score(begun, vectors, None, hyper),
        scoring.log_likelihood(state.parameters, vectors, hyper.covariance),
    )
    monkeypatch.setattr(pieces, "_longest", lambda width: 512)
    cut = (
        stepwise_em.score(begun, vectors, None, hyper),
        scoring.log_likelihood(state.parameters, vectors, hyper.covariance),
    )
    assert bits(cut) == bits(whole)


@pytest.mark.parametrize("gaps", [0.0, 0.3])
@pytest.mark.parametrize("beside", [False, True])
def test_memory_beside_input_and_output_does_not_grow_with_the_rows(gaps, beside):
    state, hyper = random_state("diag", 2, 4, np.random.default_rng(0)), learning("diag")
    hyper = _everything("diag", 4) if beside else hyper

    def needed(n):
        vectors = _vectors(n, 4, gaps)
        kept = stepwise_em.score(state, vectors, None, hyper)  # threads, tables of patterns
        tracemalloc.start()
        kept = stepwise_em.score(state, vectors, None, hyper)
        after, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert kept[1].log_likelihood.shape == (n,)
        return highest - after

    assert needed(400_000) < 1.1 * needed(200_000) + 100_000
