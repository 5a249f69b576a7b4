import numpy as np
import pytest

from streamgmm.drift import scores
from streamgmm.drift.e_step import e_step
from streamgmm.mixture import gaussian
from streamgmm.mixture.missing import evidence
from streamgmm.mixture.rows import rows_of
from tests.drift.models import FULL, draw, parameters

P = parameters()
HELD = scores.held(P, FULL)
K, D = 3, 2


def single(vectors):
    output = e_step(P, HELD, vectors, FULL)
    found, _ = scores.windows(HELD, vectors, output, 1, np.zeros(scores.layout(K, D).size), 0)
    return found


def test_scores_are_what_their_formulas_say():
    vectors = draw(50, 0)
    found = single(vectors)
    r = gaussian.responsibilities(P, vectors, FULL)
    z = np.einsum("kji,nkj->nki", P.precisions_cholesky, vectors[:, None] - P.means)
    assert found[:, 0] == pytest.approx(gaussian.log_evidence(P, vectors, FULL))
    assert found[:, 1:4] == pytest.approx(r / np.sqrt(P.weights))
    assert found[:, 4:7] == pytest.approx(r * ((z**2).sum(axis=2) - D), abs=1e-7)
    assert found[:, 7:13] == pytest.approx((r[..., None] * z).reshape(50, -1), abs=1e-7)
    assert (found[:, 13:] == 0).all()


def test_their_mean_is_what_the_model_expects():
    found = single(draw(200_000, 1))
    expected = scores.expected(HELD)
    known = ~np.isnan(expected)
    error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - expected)[known] < 4.5 * error[known]).all()


def test_windows_are_sums_of_single_vectors_whatever_came_before():
    vectors = draw(70, 2)
    output = e_step(P, HELD, vectors, FULL)
    whole, rest = scores.windows(HELD, vectors, output, 20, np.zeros(scores.layout(K, D).size), 0)
    assert whole == pytest.approx(single(vectors)[:60].reshape(3, 20, -1).sum(axis=1), abs=1e-7)
    half = [type(output)(output.responsibilities[a:b], output.log_likelihood[a:b]) for a, b in ((0, 33), (33, 70))]
    first, carried = scores.windows(HELD, vectors[:33], half[0], 20, np.zeros(scores.layout(K, D).size), 0)
    second, left = scores.windows(HELD, vectors[33:], half[1], 20, carried, 13)
    assert np.array_equal(np.concatenate([first, second]), whole)
    assert np.array_equal(left, rest)


def test_a_vector_with_gaps_has_a_completed_likelihood_and_counts_as_missing():
    vectors = draw(20_000, 3)
    gappy = vectors.copy()
    gappy[:, 1] = np.nan
    completed, known = (
        e_step(P, HELD, gappy, FULL).log_likelihood,
        evidence(FULL.kernel, HELD.model, rows_of(gappy, None)),
    )
    whole = e_step(P, HELD, vectors, FULL).log_likelihood
    assert abs(known.mean() - whole.mean()) > 0.3
    assert completed.mean() == pytest.approx(whole.mean(), abs=0.1)
    found = single(gappy[:10])
    assert (found[:, 4:13] == 0).all()
    assert found[:, 13:].tolist() == [[0.0, 1.0]] * 10
