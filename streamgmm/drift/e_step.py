"""The E-step of a frozen model: responsibilities and log-likelihood of vectors that it does not learn.

Of a vector with missing features, the log-likelihood of what is known is completed by the expectation of the rest,
given what is known, so that vectors with any pattern of gaps can be compared:

    log p(x_known) + sum_k r_k (log r_k + E[log p_k(x_missing | x_known)]),  E = -(m + log det 2 pi Sigma_k,rest) / 2

as if the missing features told the components apart; Sigma_k,rest is their covariance given the known ones.
"""

import numpy as np

from streamgmm.drift.scores import Held
from streamgmm.mixture import missing
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import Output, Rows
from streamgmm.mixture.conditional import by_pattern, full_covariances
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.pieces import ones


def e_step(parameters: Parameters, held: Held, vectors: Array, covariance: Covariance) -> Output:
    """Responsibilities (n, k) and log-likelihood (n,) in nats of vectors (n, d); NaN is missing."""
    rows = Rows(frozen(vectors), ones(len(vectors)))
    output = missing.scores(covariance.kernel, held.model, rows)
    if not missing.any_missing(rows.vectors):
        return output
    gappy = np.isnan(vectors).any(axis=1)
    completed = output.log_likelihood.copy()
    completed[gappy] += _expected_rest(parameters, vectors[gappy], output.responsibilities[gappy], covariance)
    return output._replace(log_likelihood=frozen(completed))


def _expected_rest(parameters: Parameters, vectors: Array, responsibilities: Array, covariance: Covariance) -> Array:
    """What the missing features would add to the log-likelihood, on the mean (n,)."""
    spreads, rest = full_covariances(parameters, covariance), np.zeros(len(vectors))
    _, whole = np.linalg.slogdet(spreads)
    for gaps, rows in by_pattern(vectors):
        known = ~gaps
        _, of_known = np.linalg.slogdet(spreads[:, known][:, :, known]) if known.any() else (1.0, np.zeros(len(whole)))
        conditional = -0.5 * (gaps.sum() * (1 + np.log(2 * np.pi)) + whole - of_known)
        r = responsibilities[rows]
        rest[rows] = (r * conditional + r * np.log(np.where(r > 0, r, 1.0))).sum(
            axis=1
        )  # a product by BLAS depends on the rows
    return rest
