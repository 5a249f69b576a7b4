"""What one vector says of how the stream departs from a frozen mixture: its scores, summed over windows.

Under the frozen E-step (responsibilities r_k, whitened deviations z_k = P_k^T (x - mu_k), d features) a vector says

    log_likelihood   log p(x)                       1 number
    weights          r_k / sqrt(pi_k)               k numbers; their squared distance is Pearson's chi-squared
    spread           r_k (|z_k|^2 - d)              k numbers, one a component
    mean             r_k z_k                        k times d numbers, d a component
    missing          1 where a feature is missing   d numbers

The middle three are, up to constants, the derivatives of log p(x) by weights, scales and means: what is most sensitive
to a change of one of them (Rao 1948). Their expectation is sqrt(pi_k), 0 and 0 where the frozen model is right.

|z_k|^2 comes from the E-step itself: log p(x, k) = constant_k - |z_k|^2 / 2. A vector with missing features says
nothing of spread and mean. Windows are cut by position, and added up vector by vector: the same bits for any cut.
"""

from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from streamgmm.mixture import gaussian
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import Model, Output
from streamgmm.mixture.compiled import compiled, inlined
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters

Family = Literal["log_likelihood", "weights", "spread", "mean", "missing"]
FAMILIES: tuple[Family, ...] = get_args(Family)
LOG_LIKELIHOOD, WEIGHTS, SPREAD, MEAN, MISSING = range(5)  # indices into FAMILIES
Places = NDArray[np.intp]
_NOTHING = 1e-9  # a responsibility below this adds nothing to spread and mean
_LEAST_WEIGHT = 1e-12  # a component that died in the reference is no division by zero


class Layout(NamedTuple):
    """Where in a vector of scores (p,) each group of numbers begins, and which family it belongs to."""

    edges: Places  # (g + 1,) group g is edges[g] to edges[g + 1]
    family: Places  # (g,) index into FAMILIES; groups of a family lie side by side and have the same size
    component: Places  # (g,) -1: of no one component

    @property
    def size(self) -> int:
        """p, how many numbers a vector of scores has."""
        return int(self.edges[-1])


class Held(NamedTuple):
    """The frozen model as the scores need it."""

    model: Model
    roots: Array  # (k,) square roots of the weights
    factors: Array  # (k, d, d) of the precisions, upper triangular


@lru_cache(maxsize=16)  # of a few models, for each window
def layout(components: int, features: int) -> Layout:
    """The groups of the scores of a mixture of `components` and `features`."""
    none, each = [-1], list(range(components))
    sizes = [1, components, *[1] * components, *[features] * components, features]
    families = [0, 1, *[2] * components, *[3] * components, 4]
    of = [*none, *none, *each, *each, *none]
    found = Layout(*(np.array(part, np.intp) for part in ([0, *np.cumsum(sizes)], families, of)))
    for part in found:
        part.flags.writeable = False
    return found


def held(parameters: Parameters, covariance: Covariance) -> Held:
    """What the scores need of a model."""
    weights = frozen(np.maximum(parameters.weights, _LEAST_WEIGHT))
    model = gaussian.model(parameters._replace(weights=weights), covariance)
    full = model.factors if model.factors.ndim == 3 else model.factors[:, :, None] * np.eye(model.factors.shape[1])
    return Held(model, frozen(np.sqrt(weights)), frozen(full))


def expected(of: Held) -> Array:
    """The mean of the scores (p,) of vectors that are as the model says; NaN where it says none."""
    k, d = of.model.means.shape
    return np.concatenate([[np.nan], of.roots, np.zeros(k + k * d), np.full(d, np.nan)])


def windows(of: Held, vectors: Array, output: Output, window: int, rest: Array, filled: int) -> tuple[Array, Array]:
    """Sums of the windows that are completed (m, p), and those of the last, which is not (p,).

    `rest` (p,) holds the sums of `filled` vectors that came before. What is not complete is not whitened yet.
    """
    grown, full = np.array(rest), np.empty(((filled + len(vectors)) // window, len(rest)))
    _add(of, vectors, output, window, grown, filled, full)
    _whiten(of.factors, full)
    return full, frozen(grown)


@compiled
def _add(of: Held, vectors: Array, output: Output, window: int, rest: Array, filled: int, full: Array) -> None:
    means, roots, constants = of.model.means, of.roots, of.model.constants
    responsibilities, log_likelihood = output.responsibilities, output.log_likelihood
    k, d = means.shape
    shares, spread = rest[1 : 1 + k], rest[1 + k : 1 + 2 * k]
    mean, missing = rest[1 + 2 * k : 1 + 2 * k + k * d], rest[1 + 2 * k + k * d :]
    gaps, done, here = has_gaps(vectors), 0, np.empty(k, np.intp)
    for n in range(len(vectors)):
        rest[0] += log_likelihood[n]
        count = 0
        for c in range(k):  # without a branch, which would be guessed wrong
            here[count] = c
            count += responsibilities[n, c] > _NOTHING
        for c in range(k):
            shares[c] += responsibilities[n, c] / roots[c]
        if gaps and _count_missing(vectors[n], missing):
            count = 0
        for c in here[:count]:
            r = responsibilities[n, c]
            squared = 2.0 * (constants[c] - log_likelihood[n] - np.log(r))
            spread[c] += r * (squared - d)
            for i in range(d):
                mean[c * d + i] += r * (vectors[n, i] - means[c, i])
        filled += 1
        if filled == window:
            full[done] = rest
            rest[:] = 0.0
            done += 1
            filled = 0


@inlined
def has_gaps(vectors: Array) -> bool:
    """Whether any of vectors (n, d) has a missing feature."""
    count = 0
    for n in range(vectors.shape[0]):
        for i in range(vectors.shape[1]):
            count += vectors[n, i] != vectors[n, i]
    return count > 0


@inlined
def _count_missing(vector: Array, missing: Array) -> bool:
    """Whether a vector (d,) has gaps, each counted in `missing` (d,)."""
    some = False
    for i in range(len(vector)):
        if np.isnan(vector[i]):
            missing[i] += 1.0
            some = True
    return some


@compiled
def _whiten(factors: Array, sums: Array) -> None:
    """Turn the sums of r (x - mu) into those of r z, in place: z_i = sum_j P_ji (x - mu)_j, j from 0 to i."""
    k, d = factors.shape[0], factors.shape[1]
    for m in range(len(sums)):
        for c in range(k):
            first = 1 + 2 * k + c * d
            for i in range(d - 1, -1, -1):
                total = 0.0
                for j in range(i + 1):
                    total += factors[c, j, i] * sums[m, first + j]
                sums[m, first + i] = total
