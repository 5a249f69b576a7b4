"""What a checkpoint leaves out comes back in every bit, and what does not follow is not left out."""

import msgspec
import numpy as np
import pytest

from streamgmm.drift import monitor
from streamgmm.engine.values import Live
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import stepwise_em
from streamgmm.mixture.arrays import frozen
from streamgmm.mixture.learning import Learning
from streamgmm.service.compact import with_factors, with_triangles, without_factors
from streamgmm.service.plain import from_plain, to_plain

K, D = 6, 12


def live(name: str) -> Live:
    """A model with a reference, in the middle of a batch."""
    rng = np.random.default_rng(0)
    learning = Learning(covariances.by_name(name), batch_size=300)
    rows = rng.normal(size=(2000, D)) * rng.uniform(0.1, 9, D) + rng.integers(3, size=(2000, 1)) * 20
    state = stepwise_em.init(rows[:500], K, learning)
    for start in range(0, 1800, 300):
        state, _ = stepwise_em.update(state, rows[start : start + 300], learning)
    state, _ = stepwise_em.score(state, rows[:290], None, learning)
    drift = monitor.freeze(monitor.init(), state.parameters, np.arange(K), steps=6, learnt=1800.0)
    return Live(state, np.arange(K), 290, 0.1, drift)


def through_bytes(value: Live, name: str) -> tuple[Live, int]:
    covariance = covariances.by_name(name)
    data = msgspec.msgpack.encode(with_triangles(to_plain(without_factors(value, covariance))))
    return with_factors(from_plain(Live, msgspec.msgpack.decode(data, strict=False)), covariance), len(data)


def bits(value: object) -> bytes:
    return msgspec.msgpack.encode(to_plain(value))


@pytest.mark.parametrize("name", ["full", "tied", "diag", "spherical"])
def test_every_bit_comes_back(name: str) -> None:
    model = live(name)
    restored, _ = through_bytes(model, name)
    assert bits(restored) == bits(model)


def test_a_full_model_takes_16_k_d_squared_bytes_beside_what_grows_with_d_alone() -> None:
    """Four triangles: the covariances, the statistics, what is pending, and the reference; 2 k d^2 bytes a half."""
    model = live("full")
    _, size = through_bytes(model, "full")
    rows = 290 % 256 * (D + 1) * 8
    triangles, means, names = 4 * 8 * K * D * (D + 1) // 2, 4 * 8 * K * D, 3000
    scores = 2 * model.drift.rest.nbytes  # sums under the reference: each grows with K D
    assert size - rows < triangles + means + scores + names
    assert size < 0.5 * len(bits(live("full")))


def test_a_factor_that_does_not_follow_is_kept() -> None:
    model = live("full")
    parameters = model.mixture.parameters
    other = frozen(parameters.precisions_cholesky * (1 + 2**-52))
    odd = model._replace(mixture=model.mixture._replace(parameters=parameters._replace(precisions_cholesky=other)))
    restored, _ = through_bytes(odd, "full")
    assert bits(restored) == bits(odd)


@pytest.mark.parametrize(
    "matrix",
    [[[0.0, -0.0], [0.0, 1.0]], [[1.0, 2.0], [3.0, 4.0]], [[np.nan, 1.0], [1.0, np.nan]], [[5.0]], [[1, 7], [7, 2]]],
)
def test_no_bit_of_a_square_array_is_lost(matrix: list[list[float]]) -> None:
    array = np.array(matrix)
    back = from_plain(np.ndarray[tuple[int, ...], np.dtype[np.float64]], with_triangles(to_plain(array)))
    assert back.tobytes() == array.tobytes() and back.shape == array.shape and back.dtype == array.dtype
