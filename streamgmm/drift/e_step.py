"""The E-step of a frozen model: responsibilities and log-likelihood of vectors that it does not learn.

Of a vector with missing features, the log-likelihood of what is known is completed by the expectation of the rest,
given what is known, so that vectors with any pattern of gaps can be compared:

    log p(x_known) + sum_k r_k (log r_k + E[log p_k(x_missing | x_known)]),  E = -(m + log det 2 pi Sigma_k,rest) / 2

as if the missing features told the components apart; Sigma_k,rest is their covariance given the known ones.
"""

import numpy as np

from streamgmm.drift.scores import Held
from streamgmm.mixture import kernel, missing
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import Batch, Output, Rows
from streamgmm.mixture.conditional import by_pattern, full_covariances
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters


def e_step(parameters: Parameters, held: Held, vectors: Array, covariance: Covariance) -> Output:
    """Responsibilities (n, k) and log-likelihood (n,) in nats of vectors (n, d); NaN is missing."""
    rows = Rows(frozen(vectors), frozen(np.ones(len(vectors))))
    parts = missing.split(rows)
    if parts is None:
        return _complete(held, rows, covariance)
    whole = _complete(held, parts.complete, covariance)
    gappy = missing.scores(covariance.kernel, held.model, parts.incomplete)
    completed = gappy.log_likelihood + _expected_rest(parameters, parts.incomplete.vectors, gappy, covariance)
    return missing.together(parts, whole, gappy._replace(log_likelihood=frozen(completed)))


def _complete(held: Held, rows: Rows, covariance: Covariance) -> Output:
    nothing = Rows(rows.vectors[:0], rows.weights[:0])
    _, output = kernel.accumulate(
        covariance.kernel,
        held.model,
        covariance.kernel.no_sums(*held.model.means.shape),
        Batch(nothing, rows, complete=0),
    )
    return output


def _expected_rest(parameters: Parameters, vectors: Array, output: Output, covariance: Covariance) -> Array:
    """What the missing features would add to the log-likelihood, on the mean (n,)."""
    spreads, rest = full_covariances(parameters, covariance), np.zeros(len(vectors))
    _, whole = np.linalg.slogdet(spreads)
    for gaps, rows in by_pattern(vectors):
        known = ~gaps
        _, of_known = np.linalg.slogdet(spreads[:, known][:, :, known]) if known.any() else (1.0, np.zeros(len(whole)))
        conditional = -0.5 * (gaps.sum() * (1 + np.log(2 * np.pi)) + whole - of_known)
        r = output.responsibilities[rows]
        rest[rows] = (r * conditional + r * np.log(np.where(r > 0, r, 1.0))).sum(
            axis=1
        )  # a product by BLAS depends on the rows
    return rest
