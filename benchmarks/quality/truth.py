"""Mixtures that are known, and samples of them with the component that each vector came from."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from streamgmm.mixture import scoring
from streamgmm.mixture.covariance import by_name
from streamgmm.mixture.given import given, parameters_of
from streamgmm.mixture.parameters import Parameters

Matrix = NDArray[np.float64]
Labels = NDArray[np.intp]
FULL = by_name("full")
_SETS = Path(__file__).parents[1] / "data" / "sets.json"


class Sample(NamedTuple):
    """Vectors (n, d) and their components (n,)."""

    vectors: Matrix
    labels: Labels


def mixture(weights: Matrix, means: Matrix, covariances: Matrix) -> Parameters:
    """A mixture with full covariances."""
    shape = (len(means), means.shape[1])
    known = given(FULL, shape, weights_init=weights, means_init=means, covariances_init=covariances)
    return parameters_of(known, FULL)[1]


def published(name: str) -> Parameters:
    """One of the four sets of Nguyen, Forbes and McLachlan 2020, whose sources `data/README.md` names."""
    found = json.loads(_SETS.read_text("utf-8"))[name]
    weights = np.array(found["weights"])
    return mixture(weights / weights.sum(), np.array(found["means"]), np.array(found["covariances"]))


def random_mixture(features: int, components: int) -> Parameters:
    """Components of random shape, size and share, which overlap a little; the same ones for the same numbers."""
    rng = np.random.default_rng([features, components])
    means = rng.normal(0, 8 / np.sqrt(features + 1), (components, features))
    roots = rng.normal(size=(components, features, 2 * features))
    covariances = roots @ roots.swapaxes(1, 2) / (2 * features) * rng.uniform(0.3, 2, (components, 1, 1))
    return mixture(rng.dirichlet(np.full(components, 5.0)), means, covariances)


def draw(parameters: Parameters, n: int, rng: np.random.Generator) -> Sample:
    """n vectors in random order."""
    labels = rng.choice(len(parameters.weights), n, p=parameters.weights)
    vectors = rng.standard_normal((n, parameters.means.shape[1]))
    for k, root in enumerate(np.linalg.cholesky(parameters.covariances)):
        vectors[labels == k] = vectors[labels == k] @ root.T + parameters.means[k]
    return Sample(vectors, labels)


def log_likelihood(parameters: Parameters, vectors: Matrix) -> float:
    """Of all vectors together, in nats."""
    return float(scoring.log_likelihood(parameters, vectors, FULL).sum())


def index(parameters: Parameters, sample: Sample) -> float:
    """Adjusted Rand index of the most probable components."""
    found = scoring.e_step(parameters, sample.vectors, FULL).responsibilities.argmax(axis=1)
    return float(adjusted_rand_score(sample.labels, found))
