"""The start: a clustering of a whitened buffer, then a short batch EM on it; of several, the most likely one.

Whitened: each feature divided by its standard deviation, so that no unit counts for more than another. A way to start
(see `start`) gives every vector to components, batch EM (Dempster, Laird and Rubin 1977; Bishop 2006, equations 9.23 to
9.28) turns that into a mixture: first with one covariance that all components share, then with their own. A clustering
by distance knows nothing of correlation, and covariances formed from its hard cells keep its mistakes; the shared one,
which many vectors vouch for, mends most of them.

A component of the buffer may hold fewer vectors than a covariance has directions, so each borrows d + 1 vectors' worth
of the pooled covariance; the stream forgets that within a few batches.

Clustering wants complete vectors, so a gap counts as what a single normal distribution of the buffer expects there;
batch EM then treats it as missing. Of a feature that all vectors lack nothing is known (see `unseen`).
"""

from typing import NamedTuple

import numpy as np

from streamgmm.mixture import gaussian, pending, unseen
from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.block import LARGEST, Model, Rows
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.given import NOTHING, Given, parameters_of, put_in
from streamgmm.mixture.imputation import impute
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.moments import Sums
from streamgmm.mixture.parameters import Parameters, m_step, shape_of
from streamgmm.mixture.start import Method, again, k_means, nearest
from streamgmm.mixture.statistics import Statistics, of_sums

_EM_STEPS = 30
_ALL = 1e9  # vectors borrowed of the pool for each that is there: what is a component's own no longer counts
_TOLERANCE = 1e-3  # nats a vector, scikit-learn's default
_EPSILON = float(np.finfo(np.float64).eps)


class Start(NamedTuple):
    """How a model starts. With all parameters given it is exactly that model, whatever the buffer holds."""

    method: Method = k_means
    n_init: int = 1
    given: Given = NOTHING


K_MEANS = Start()


class Found(NamedTuple):
    """A start that batch EM has worked on."""

    statistics: Statistics
    parameters: Parameters
    log_likelihood: float  # nats a vector


def initialise(
    rows: Rows, n_components: int, learning: Learning, random_state: int, start: Start
) -> tuple[Statistics, Parameters]:
    """Statistics and parameters from a buffer of at least `n_components` vectors of positive weight."""
    if start.given.complete:
        return parameters_of(start.given, learning.covariance)
    carrying = rows.weights > 0
    vectors, weights = np.clip(rows.vectors[carrying], -LARGEST, LARGEST), np.minimum(rows.weights[carrying], LARGEST)
    buffer = _buffer(Rows(frozen(unseen.left_out(vectors)), frozen(weights)), learning)
    generator = np.random.default_rng(random_state)
    starts = [start, *[start._replace(method=again(start.method))] * (start.n_init - 1)]
    tries = [_attempt(buffer, n_components, learning, each, generator) for each in starts]
    best = max(tries, key=lambda found: found.log_likelihood)
    return best.statistics, best.parameters


class Whitening(NamedTuple):
    """(x - offset) / scale."""

    offset: Array  # (d,) medians: near most vectors, also where a wild one has carried the mean away from all
    scale: Array  # (d,) standard deviations; infinite for a feature that is constant to rounding and says nothing

    def of(self, vectors: Array) -> Array:
        """Vectors (n, d) in standard deviations from the median."""
        return np.asarray((vectors - self.offset) / self.scale)


class _Buffer(NamedTuple):
    """What all starts work on."""

    rows: Rows
    filled: Rows  # without gaps
    whitening: Whitening
    points: Rows  # filled and whitened


def _buffer(rows: Rows, learning: Learning) -> _Buffer:
    whitening, filled = _whitening(rows), _filled(rows, learning)
    points = Rows(whitening.of(filled.vectors), filled.weights / filled.weights.max())
    return _Buffer(rows, filled, whitening, points)


def _attempt(
    buffer: _Buffer, n_components: int, learning: Learning, start: Start, generator: np.random.Generator
) -> Found:
    """One start, and what batch EM makes of it."""
    rows, filled, whitening, points = buffer
    if start.given.means is None:
        responsibilities = start.method(points, n_components, generator)
    else:
        responsibilities = nearest(points.vectors, whitening.of(start.given.means))
    spare = filled.vectors[generator.choice(len(filled.weights), n_components)]
    statistics = _of_responsibilities(filled, responsibilities, spare, learning.covariance)
    statistics, own = put_in(statistics, start.given, learning.covariance), _own_share(rows)
    if all(part is None for part in start.given):  # else EM starts just there
        statistics = _batch_em(rows, statistics, learning, borrowed=_ALL).statistics
    return _batch_em(rows, statistics, learning, borrowed=own)


def _filled(rows: Rows, learning: Learning) -> Rows:
    """The rows with what one normal distribution of them expects in their gaps.

    The complete rows alone need not be like the others: where large values are lost oftener, they are the small ones.
    """
    known = ~np.isnan(rows.vectors)
    if known.all():
        return rows
    plain = Rows(frozen(np.where(known, rows.vectors, _means(rows, known))), rows.weights)
    one = _of_responsibilities(plain, np.ones((len(rows.weights), 1)), plain.vectors[:1], learning.covariance)
    found = _batch_em(rows, one, learning, borrowed=0.0).parameters
    return Rows(frozen(impute(found, rows.vectors, learning.covariance)), rows.weights)


def _whitening(rows: Rows) -> Whitening:
    known = ~np.isnan(rows.vectors)
    means = _means(rows, known)
    values = np.where(known, rows.vectors, means)
    deviation = np.sqrt(_average((values - means) ** 2, rows.weights, known))
    said = deviation > 8 * _EPSILON * np.abs(values).max(axis=0)
    return Whitening(np.median(values, axis=0), np.where(said, deviation, np.inf))


def _means(rows: Rows, known: Flags) -> Array:
    """Of each feature's known values; 0 where none is known."""
    return _average(np.where(known, rows.vectors, 0.0), rows.weights, known)


def _average(values: Array, weights: Array, known: Flags) -> Array:
    """Over the rows (n, d) of what is known, which elsewhere must be 0."""
    shares = weights / weights.max()
    return np.asarray(shares @ values / np.maximum(shares @ known, np.finfo(float).tiny))


def _batch_em(rows: Rows, statistics: Statistics, learning: Learning, *, borrowed: float) -> Found:
    """EM steps until the mean log-likelihood no longer grows; to each component's covariance `borrowed` is added."""
    covariance, no_values = learning.covariance, np.asarray(np.isnan(rows.vectors).all(axis=0))
    begun = unseen.apart(_round(statistics, covariance), no_values, covariance)
    parameters, _ = m_step(_leaning(statistics, borrowed, covariance), begun, learning)
    before = -np.inf
    for _ in range(_EM_STEPS):
        statistics, log_likelihood = _e_step(rows, parameters, covariance)
        parameters, _ = m_step(_leaning(statistics, borrowed, covariance), parameters, learning)
        if log_likelihood - before < _TOLERANCE:
            break
        before = log_likelihood
    return Found(_leaning(statistics, borrowed, covariance), parameters, log_likelihood)


def _e_step(rows: Rows, parameters: Parameters, covariance: Covariance) -> tuple[Statistics, float]:
    """Statistics of all rows, and their mean log-likelihood."""
    model, kernel = gaussian.model(parameters, covariance), covariance.kernel
    batch, output = pending.add(pending.nothing(shape_of(parameters), kernel), model, rows, kernel)
    statistics = of_sums(pending.close(batch, lambda: model, kernel), parameters.means, covariance)
    return statistics, float(np.average(output.log_likelihood, weights=rows.weights))


def _leaning(statistics: Statistics, borrowed: float, covariance: Covariance) -> Statistics:
    """The statistics as if each component had `borrowed` more mass, spread like the pool."""
    return statistics._replace(scatter=frozen(covariance.lean_on_pool(statistics.scatter, statistics.mass, borrowed)))


def _own_share(rows: Rows) -> float:
    """The mass of the d + 1 vectors that a covariance needs."""
    return float(rows.vectors.shape[1] + 1) / len(rows.weights)


def _round(statistics: Statistics, covariance: Covariance) -> Parameters:
    """Unit covariances: what an M-step falls back on that has no last good one."""
    unit = covariance.add_to_diagonal(np.zeros_like(statistics.scatter), np.ones(statistics.mean.shape[1]))
    return Parameters(statistics.mass, statistics.mean, frozen(unit), frozen(covariance.factorise(unit)[0]))


def _of_responsibilities(rows: Rows, responsibilities: Array, spare: Array, covariance: Covariance) -> Statistics:
    """Statistics of the rows shared out by responsibilities (n, k).

    A component that gets none is put at its place in `spare` (k, d), with the mass of one vector.
    """
    shares = (rows.weights[:, None] * responsibilities).T
    parts = [_moments(Rows(rows.vectors[share > 0], share[share > 0]), covariance) for share in shares]
    mass = np.concatenate([sums.mass for sums in parts])
    mean = np.concatenate([sums.mean for sums in parts])
    scatter = np.concatenate([sums.scatter for sums in parts])
    statistics = of_sums(Sums(float(mass.sum()), mass, mean, scatter), spare, covariance)
    held = np.maximum(statistics.mass, 1 / len(rows.weights))
    return statistics._replace(mass=frozen(held / held.sum()))


def _moments(rows: Rows, covariance: Covariance) -> Sums:
    """Mass, mean and scatter of the rows: the statistics of a mixture of one."""
    kernel, n_features = covariance.kernel, rows.vectors.shape[1]
    centre = frozen(rows.vectors[:1] if len(rows.weights) else np.zeros((1, n_features)))
    model = Model(frozen(np.zeros(1)), centre, frozen(np.zeros(kernel.shape(1, n_features))))
    batch, _ = pending.add(pending.nothing((1, n_features), kernel), model, Rows(*map(frozen, rows)), kernel)
    return pending.close(batch, lambda: model, kernel)
