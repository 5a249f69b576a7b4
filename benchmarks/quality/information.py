"""How near to the true model the known values allow any method to come: the information bound of Cramer and Rao.

A model of p parameters, learnt as well as n vectors allow, has a held-out log-likelihood that is
tr(F I^-1) / 2n nats a vector below the true model's (to first order): I is the Fisher information of a vector as it is
known, F that of a complete one. Without gaps that is p / 2n; of complete rows alone, a share s of all, p / 2sn.

In natural parameters a score is what the vector says beyond expectation: E[t | known] - E[t], with the statistics t of
the components: 1, x and x x^T of the one that the vector came from. So I is the covariance of E[t | known].
"""

import numpy as np

from benchmarks.quality.truth import FULL, Matrix
from streamgmm.mixture.conditional import by_pattern, conditional
from streamgmm.mixture.parameters import Parameters


def gap(true: Parameters, complete: Matrix, gappy: Matrix) -> float:
    """Nats a held-out vector (n, d) below the true model, at best, from as many vectors with gaps."""
    full, known = (np.cov(expected_statistics(true, part).T) for part in (complete, gappy))
    return float(np.trace(np.linalg.solve(known, full)) / (2 * len(gappy)))


def expected_statistics(true: Parameters, vectors: Matrix) -> Matrix:
    """E[t | known] of each vector, without the last component's 1, which the others' say: (n, p)."""
    (n, features), components = vectors.shape, len(true.weights)
    upper = np.triu_indices(features)
    found = np.empty((n, components, 1 + features + len(upper[0])))
    for missing, rows in by_pattern(vectors):
        part = conditional(true, vectors[np.ix_(rows, ~missing)], missing, FULL)
        filled = np.repeat(vectors[rows, None], components, axis=1)
        filled[:, :, missing] = part.means
        products = filled[:, :, upper[0]] * filled[:, :, upper[1]]
        spread = np.zeros((components, features, features))
        spread[:, np.ix_(missing, missing)[0], np.ix_(missing, missing)[1]] = part.covariances
        products += spread[:, upper[0], upper[1]]
        own = np.concatenate([np.ones((len(rows), components, 1)), filled, products], axis=2)
        found[rows] = part.weights[:, :, None] * own
    return found.reshape(n, -1)[:, np.arange(components * found.shape[2]) != (components - 1) * found.shape[2]]
