"""Mixtures and vectors for benchmarks, and scikit-learn's model with the same parameters."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import stepwise_em
from streamgmm.mixture.given import given, parameters_of
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.state import Info, State

Matrix = NDArray[np.float64]


class Case(NamedTuple):
    """What is measured: a covariance type, features and components."""

    covariance: str
    features: int
    components: int

    def __str__(self) -> str:
        return f"{self.covariance}, D {self.features}, K {self.components}"


class Mixture(NamedTuple):
    """A model that is known, as ours and as scikit-learn's, and vectors drawn near its means."""

    state: State
    learning: Learning
    vectors: Matrix
    peer: GaussianMixture


def mixture(case: Case, n: int, *, batch_size: int) -> Mixture:
    """The same one for the same case and n."""
    rng = np.random.default_rng(case.features)
    means = rng.normal(0, 3, (case.components, case.features))
    vectors = means[rng.integers(case.components, size=n)] + rng.standard_normal((n, case.features))
    covariance = covariances.by_name(case.covariance)
    spread = rng.uniform(0.5, 2.0, means.shape)
    if case.covariance == "full":
        roots = rng.normal(0, 0.3, (*means.shape, case.features))
        spread = roots @ roots.swapaxes(1, 2) + np.eye(case.features)
    weights = np.full(case.components, 1 / case.components)
    model = given(covariance, means.shape, weights_init=weights, means_init=means, covariances_init=spread)
    statistics, parameters = parameters_of(model, covariance)
    learning = Learning(covariance, batch_size)
    state = stepwise_em.begin(statistics, parameters, learning)
    return Mixture(state, learning, vectors, _peer(case, parameters._asdict()))


def our_pass(mixture: Mixture) -> Callable[[], State]:
    """E-step, statistics, blend and M-step of all the vectors as one batch."""

    def one_pass() -> State:
        scored, _ = stepwise_em.score(mixture.state, mixture.vectors, None, mixture.learning)
        return stepwise_em.learn(scored, mixture.learning)[0]

    return one_pass


def our_e_step(mixture: Mixture) -> Callable[[], State]:
    """E-step and statistics of all the vectors."""
    return lambda: stepwise_em.score(mixture.state, mixture.vectors, None, mixture.learning)[0]


def our_scores(mixture: Mixture) -> Callable[[], tuple[State, Info]]:
    """As `our_e_step`, with what it says of each vector."""
    return lambda: stepwise_em.score(mixture.state, mixture.vectors, None, mixture.learning)


def peer_pass(mixture: Mixture) -> Callable[[], None]:
    """scikit-learn's E-step and M-step, as its `fit` calls them once an iteration, always from the same parameters."""
    peer, vectors = mixture.peer, mixture.vectors
    start = {name: getattr(peer, name) for name in _PARAMETERS}

    def one_pass() -> None:
        _, log_responsibilities = peer._e_step(vectors)
        peer._m_step(vectors, log_responsibilities)
        for name, value in start.items():
            setattr(peer, name, value)

    return one_pass


_PARAMETERS = ("weights_", "means_", "covariances_", "precisions_cholesky_")


def _peer(case: Case, parameters: dict[str, Any]) -> GaussianMixture:
    warnings.filterwarnings("ignore", module="sklearn")
    peer = GaussianMixture(case.components, covariance_type=case.covariance)
    for name in _PARAMETERS:
        setattr(peer, name, np.array(parameters[name.rstrip("_")]))
    return peer
