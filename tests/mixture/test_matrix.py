"""The mixture against its oracles, and the laws it keeps: each on every covariance type, with weights and gaps or not.

| what | must equal |
| --- | --- |
| E-step | scipy's densities; with gaps, marginals by brute force |
| whole step | scikit-learn's EM step, on each row as often as its weight; with gaps, an exact step in loops |
| weights | the row that often, in one batch |
| merge | the rows of both, one after the other; associative and commutative |
| small calls | one large call: the same bits scored, exactly as much forgotten |
| order of components | nothing but their order |
| translation by 1e8 | the means moved, all else as it was |
| scaling of features | means and covariances scaled, all else as it was |
| restoring | going on, bit for bit |
| 1, 2, 4 threads | one another, bit for bit |

`case` is one of 4 x 2 x 2: type, weights, gaps. Every test below takes it, so the matrix has no hole.
"""

from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from scipy.special import logsumexp

from streamgmm.mixture import averaging, scoring, stepwise_em, threads
from streamgmm.mixture.arrays import Array
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.merge import merge
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.state import State
from streamgmm.mixture.step_size import HalfLife, retention
from streamgmm.service.plain import from_plain, to_plain
from tests.mixture.oracles import em_step, log_joint, scikit_learn_step
from tests.mixture.samples import NAMES, as_state, bits, learning, leaves, random_parameters, random_state

K, D = 3, 4


class Case(NamedTuple):
    name: str
    weighted: bool
    gaps: bool

    def learning(self, **settings: object) -> Learning:
        return learning(self.name, **settings)

    def state(self, k: int = K, d: int = D) -> State:
        return random_state(self.name, k, d, np.random.default_rng(1))

    def rows(self, n: int, d: int = D, seed: int = 0) -> tuple[Array, Array | None]:
        """Vectors, a quarter of their values missing, and whole weights from 0 to 3."""
        generator = np.random.default_rng(seed)
        vectors = generator.normal(size=(n, d)) * 3
        if self.gaps:
            vectors[generator.uniform(size=(n, d)) < 0.25] = np.nan
        return vectors, generator.integers(0, 4, size=n).astype(float) if self.weighted else None


CASES = [Case(name, weighted, gaps) for name in NAMES for weighted in (False, True) for gaps in (False, True)]


@pytest.fixture(params=CASES, ids=lambda c: f"{c.name}{'-weights' * c.weighted}{'-gaps' * c.gaps}")
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def assert_close(one: object, other: object, *, rtol: float = 1e-9, atol: float = 1e-11) -> None:
    for a, b in zip(leaves(one), leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def part(rows: tuple[Array, Array | None], piece: slice) -> tuple[Array, Array | None]:
    vectors, weights = rows
    return vectors[piece], None if weights is None else weights[piece]


def scored(state: State, rows: tuple[Array, Array | None], hyper: Learning) -> tuple[State, stepwise_em.Info]:
    return stepwise_em.score(state, *rows, hyper)


def updated(state: State, rows: tuple[Array, Array | None], hyper: Learning) -> State:
    return stepwise_em.learn(scored(state, rows, hyper)[0], hyper)[0]


def test_the_e_step_is_that_of_scipys_densities(case: Case) -> None:
    state, rows = case.state(), case.rows(80)
    _, info = scored(state, rows, case.learning())
    joint = log_joint(case.name, state.parameters, rows[0])
    evidence = logsumexp(joint, axis=1)
    np.testing.assert_allclose(info.log_likelihood, evidence, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(info.responsibilities, np.exp(joint - evidence[:, None]), rtol=1e-8, atol=1e-12)


def test_a_whole_step_is_one_of_batch_em(case: Case) -> None:
    state, (vectors, weights) = case.state(), case.rows(300)
    whole = case.learning(exponent=1.0, delay=0.0, reg_relative=0.0)
    found = updated(state, (vectors, weights), whole).parameters
    counts = np.ones(300) if weights is None else weights
    if case.gaps:
        expected = em_step(case.name, state.parameters, vectors, counts)
    else:
        expected = scikit_learn_step(case.name, state.parameters, np.repeat(vectors, counts.astype(int), axis=0))
    for ours, theirs in zip(found, expected, strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-9)


def test_a_weight_is_the_row_that_often(case: Case) -> None:
    state, (vectors, weights), hyper = case.state(), case.rows(300), case.learning()
    counts = np.full(300, 2.0) if weights is None else weights
    weighted = updated(state, (vectors, counts), hyper)
    repeated = updated(state, (np.repeat(vectors, counts.astype(int), axis=0), None), hyper)
    assert_close(weighted._replace(effective_sample_size=0.0), repeated._replace(effective_sample_size=0.0))


def test_merging_is_scoring_both(case: Case) -> None:
    state, rows, hyper = case.state(), case.rows(700), case.learning()
    a, b, c = (scored(state, part(rows, slice(*ends)), hyper)[0] for ends in ((0, 100), (100, 450), (450, 700)))

    def learnt(pending: State) -> State:
        return stepwise_em.learn(pending, hyper)[0]

    together = updated(state, rows, hyper)
    assert_close(learnt(merge(merge(a, b, hyper), c, hyper)), together)
    assert_close(learnt(merge(a, merge(b, c, hyper), hyper)), together)
    assert_close(learnt(merge(c, merge(b, a, hyper), hyper)), together)


def test_small_calls_score_the_same_bits_as_a_large_one(case: Case) -> None:
    state, rows, hyper = case.state(), case.rows(700), case.learning()
    whole, info = scored(state, rows, hyper)
    infos, pieces = [], state
    for start, end in pairwise([0, 1, 3, 256, 300, 300, 512, 699, 700]):
        pieces, found = scored(pieces, part(rows, slice(start, end)), hyper)
        infos.append(found)
    assert bits(stepwise_em.Info(*map(np.concatenate, zip(*infos, strict=True)))) == bits(info)
    assert bits(stepwise_em.learn(pieces, hyper)) == bits(stepwise_em.learn(whole, hyper))


@pytest.mark.parametrize("half_life", [HalfLife(), HalfLife(batches=1.5)], ids=["decaying", "half-life"])
@pytest.mark.parametrize(("exponent", "delay"), [(0.6, 10.0), (1.0, 0.5)])
def test_small_calls_forget_exactly_like_a_large_one(
    case: Case, exponent: float, delay: float, half_life: HalfLife
) -> None:
    rows = case.rows(700)
    hyper = case.learning(exponent=exponent, delay=delay, half_life=half_life)
    state, kept = case.state(), 1.0
    for start, end in pairwise([0, 1, 50, 300, 301, 700]):
        state, info = stepwise_em.learn(scored(state, part(rows, slice(start, end)), hyper)[0], hyper)
        kept *= 1 - info.step_size
    time = (700 if rows[1] is None else rows[1].sum()) / 512
    assert state.time == pytest.approx(time, rel=1e-14)
    if half_life == HalfLife():
        assert kept == pytest.approx(retention(0.0, time, exponent=exponent, delay=delay), rel=1e-12)
    else:
        assert kept <= 2 ** (-time / 1.5) * (1 + 1e-12)


def test_components_have_no_order(case: Case) -> None:
    parameters, rows = random_parameters(case.name, 4, D, np.random.default_rng(2)), case.rows(600)
    order, hyper = np.array([2, 0, 3, 1]), case.learning()

    def permuted(p: Parameters) -> Parameters:
        shared = 2 if case.name == "tied" else 4
        return Parameters(*(array[order] if i < shared else array for i, array in enumerate(p)))

    one = updated(as_state(parameters, hyper.covariance), rows, hyper)
    other = updated(as_state(permuted(parameters), hyper.covariance), rows, hyper)
    assert_close(permuted(one.parameters), other.parameters)


def test_translation_moves_the_means_alone(case: Case) -> None:
    """By 2 ** 27, about 1e8; vectors and means are multiples of 2 ** -20, so that the translation itself is exact."""
    hyper, offset, grid = case.learning(), 2.0**27, 2.0**20
    parameters = case.state().parameters
    parameters = parameters._replace(means=np.round(parameters.means * grid) / grid)
    here = as_state(parameters, hyper.covariance)
    there = as_state(parameters._replace(means=parameters.means + offset), hyper.covariance)
    for seed in range(3):
        vectors, weights = case.rows(600, seed=seed)
        vectors = np.round(vectors * grid) / grid
        (here, info), (there, far) = (
            stepwise_em.update(state, x, hyper, weights) for state, x in ((here, vectors), (there, vectors + offset))
        )
        assert_close(far, info, rtol=1e-6, atol=1e-6)
    moved = there.parameters._replace(means=there.parameters.means - offset)
    np.testing.assert_allclose(moved.covariances, here.parameters.covariances, rtol=1e-6, atol=1e-6)
    assert_close(moved[:2], here.parameters[:2], rtol=1e-6, atol=1e-6)


def test_scaling_scales_means_and_covariances(case: Case) -> None:
    """From the start on. Features in other units, each in its own; under spherical covariances all in the same."""
    units = np.full(D, 2.0**17) if case.name == "spherical" else 2.0 ** np.array([-20, -10, 0, 30])
    outer = {"full": np.outer(units, units), "diag": units**2, "spherical": units[0] ** 2}
    hyper, (vectors, weights) = case.learning(), case.rows(900)
    here, there = (
        stepwise_em.init(x[:400], K, hyper, weights=None if weights is None else weights[:400])
        for x in (vectors, vectors * units)
    )
    for piece in (slice(400, 700), slice(700, 900)):
        x, w = part((vectors, weights), piece)
        (here, info), (there, far) = (
            stepwise_em.update(state, y, hyper, w) for state, y in ((here, x), (there, x * units))
        )
        known = ~np.isnan(x)
        np.testing.assert_allclose(far.responsibilities, info.responsibilities, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(far.log_likelihood, info.log_likelihood - known @ np.log(units), atol=1e-6)
    ours, theirs = here.parameters, there.parameters
    np.testing.assert_allclose(theirs.weights, ours.weights, rtol=1e-7)
    np.testing.assert_allclose(theirs.means / units, ours.means, rtol=1e-6, atol=1e-8)
    spread = outer.get(case.name, outer["full"])
    np.testing.assert_allclose(theirs.covariances / spread, ours.covariances, rtol=1e-6, atol=1e-8)


def test_restoring_is_going_on(case: Case) -> None:
    """In the middle of a batch, with everything that a state may hold switched on."""
    hyper = case.learning(averaging=True, half_life=HalfLife(seconds=60.0), batch_size=128)
    state, rows = case.state(), case.rows(900)
    for n, (start, end) in enumerate(pairwise([0, 128, 256, 400])):
        state, _ = scored(state, part(rows, slice(start, end)), hyper)
        if end < 400:
            state, _ = stepwise_em.learn(state, hyper, 30.0 * n)
    restored = from_plain(State, msgspec.msgpack.decode(msgspec.msgpack.encode(to_plain(state))))
    assert bits(restored) == bits(state)

    def gone_on(from_here: State) -> list[bytes]:
        for n, (start, end) in enumerate(pairwise([400, 512, 900])):
            from_here, _ = scored(from_here, part(rows, slice(start, end)), hyper)
            from_here, _ = stepwise_em.learn(from_here, hyper, 100.0 + 30.0 * n)
        return bits((from_here, averaging.averaged(from_here, hyper)))

    assert gone_on(restored) == gone_on(state)


@pytest.fixture
def all_threads_afterwards():
    yield
    threads.use(None)


@pytest.mark.usefixtures("all_threads_afterwards")
def test_the_number_of_threads_does_not_matter(case: Case) -> None:
    state, rows, hyper = case.state(10, 9), case.rows(30_001, 9), case.learning()
    answers = []
    for count in (1, 2, 4):
        threads.use(count)
        pending, info = scored(state, rows, hyper)
        again = scoring.log_likelihood(state.parameters, rows[0], hyper.covariance)
        answers.append(bits((pending, info, stepwise_em.learn(pending, hyper), again)))
    assert answers[0] == answers[1] == answers[2]
