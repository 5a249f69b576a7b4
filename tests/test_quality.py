"""What the accuracy benchmark measures by: held against what is known."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness import parts
from benchmarks.harness.results import Result
from benchmarks.quality import gaps, information, streams, truth
from benchmarks.quality.peers import Centres

TRUE = truth.published("Iris1")
PARAMETERS = 3 - 1 + 3 * 4 + 3 * 10
N = 5_000


@pytest.fixture
def vectors() -> truth.Matrix:
    return truth.draw(TRUE, N, np.random.default_rng(0)).vectors


def test_complete_vectors_allow_half_a_nat_a_parameter(vectors: truth.Matrix) -> None:
    assert information.gap(TRUE, vectors, vectors) == pytest.approx(PARAMETERS / (2 * N))


def test_vectors_that_are_lost_altogether_say_nothing(vectors: truth.Matrix) -> None:
    lost = np.where(np.arange(N)[:, None] % 2 == 0, np.nan, vectors)
    assert information.gap(TRUE, vectors, lost) == pytest.approx(PARAMETERS / N, rel=0.05)


def test_known_values_say_more_than_complete_rows_alone(vectors: truth.Matrix) -> None:
    gappy = gaps.completely_at_random(vectors, 0.2, np.random.default_rng(0))
    complete = np.where(np.isnan(gappy).any(axis=1)[:, None], np.nan, vectors)
    least, most = (information.gap(TRUE, vectors, known) for known in (vectors, complete))
    assert least < information.gap(TRUE, vectors, gappy) < most


@pytest.mark.parametrize("way", gaps.WAYS)
def test_the_share_that_is_lost_is_the_one_asked_for(vectors: truth.Matrix, way: str) -> None:
    lost = np.isnan(gaps.WAYS[way](vectors, 0.2, np.random.default_rng(0)))
    assert lost.mean() == pytest.approx(0.2, abs=0.01)
    assert not lost.all(axis=1).any()


def test_a_clustering_with_the_true_cells_is_worth_the_true_mixture() -> None:
    means = np.array([[0.0, 0.0], [50.0, 0.0]])
    true = truth.mixture(np.array([0.5, 0.5]), means, np.stack([np.eye(2)] * 2))
    sample, asked = (truth.draw(true, N, np.random.default_rng(seed)) for seed in (0, 1))
    cells = Centres(means, np.arange(2)).of(sample.vectors)
    reached = streams._of_cells(sample.vectors, cells, asked.vectors)
    assert reached == pytest.approx(truth.log_likelihood(true, asked.vectors) / N, abs=0.005)


def question(_seed: int, _size: tuple[int, int]) -> None:
    """What is asked is not called here."""


def test_a_benchmark_that_was_stopped_goes_on_with_the_answers_that_it_has(tmp_path: Path) -> None:
    asked, answer = partial(question, 1, (2, 3)), [Result("a", "b", "nats", 0.1 + 0.2).at_least(0.3)]
    assert parts.kept(tmp_path / "parts", asked) is None
    parts.keep(tmp_path / "parts", asked, answer)
    assert parts.kept(tmp_path / "parts", partial(question, 1, (2, 3))) == answer
    assert parts.kept(tmp_path / "parts", partial(question, 1, (2, 4))) is None
    parts.forget(tmp_path / "parts")
    assert parts.kept(tmp_path / "parts", asked) is None
