"""Features of which nothing is known yet, because every vector so far lacked them.

Where nothing is known, no value may speak for one component rather than another. So such a feature has no scatter, and
a variance beyond that of any data: wherever a value lies, its density is as good as the same in all components. It
begins at mean 0.

The first batch that has values gives it one mean and one variance in all components, those of the batch; from there
each goes its own way, led by the other features. Complete vectors are asked for both, if there are any. Else vectors
that lack the feature are among them, filled with its mean 0, and nothing says how many: with the mean c and the
variance v of all, the others are at least a share q = c^2 / (c^2 + v). So the variance is taken as wide as if they were
no more: it is (c^2 + v) / q.

With one variance for all features (spherical) there is no place for this: there the others' variance holds.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.block import UNSEEN
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.statistics import Statistics

if TYPE_CHECKING:
    from streamgmm.mixture.parameters import Parameters

_FEWEST = 2  # values that say anything of a variance


class Said(NamedTuple):
    """What a batch says, whatever its components."""

    mean: Array  # (d,)
    variance: Array  # (d,)


def any_in(parameters: "Parameters", covariance: Covariance) -> bool:
    """Whether there is such a feature."""
    return bool(parameters.covariances.max() >= UNSEEN and flags(parameters, covariance).any())


def flags(parameters: "Parameters", covariance: Covariance) -> Flags:
    """Which features these are (d,): unknown in all components. One without mass may know nothing of others still."""
    variances = covariance.variances(parameters.covariances, parameters.means.shape)
    return np.asarray((variances >= UNSEEN).all(axis=0))


def without(one: "Parameters", other: "Parameters", covariance: Covariance) -> tuple["Parameters", "Parameters"]:
    """Both with what either knows nothing of made alike, so that it lies in no distance between them."""
    unknown = flags(one, covariance) | flags(other, covariance)
    if not unknown.any():
        return one, other
    return _alike(one, unknown, covariance), _alike(other, unknown, covariance)


def _alike(parameters: "Parameters", features: Flags, covariance: Covariance) -> "Parameters":
    """The parameters with mean 0 and variance 1 in the features flagged (d,)."""
    ones = np.ones(len(features))
    return parameters._replace(
        means=frozen(np.where(features, 0.0, parameters.means)),
        covariances=frozen(covariance.set_apart(parameters.covariances, features, ones)),
        precisions_cholesky=frozen(covariance.set_apart(parameters.precisions_cholesky, features, ones)),
    )


def left_out(vectors: Array) -> Array:
    """Vectors (n, d) without the values of features that all but one of them lack: one says nothing of a variance."""
    missing = np.isnan(vectors)
    few = missing.any(axis=0) & ((~missing).sum(axis=0) < _FEWEST)
    return np.where(few, np.nan, vectors) if few.any() else vectors


def apart(parameters: "Parameters", features: Flags, covariance: Covariance) -> "Parameters":
    """The parameters in which nothing is known of the features flagged (d,)."""
    d = len(features)
    return parameters._replace(
        covariances=frozen(covariance.set_apart(parameters.covariances, features, np.full(d, UNSEEN))),
        precisions_cholesky=frozen(
            covariance.set_apart(parameters.precisions_cholesky, features, np.full(d, 1 / np.sqrt(UNSEEN)))
        ),
    )


def kept(parameters: "Parameters", statistics: Statistics, last: "Parameters", covariance: Covariance) -> "Parameters":
    """New parameters in which nothing is known of what was unknown in the last ones and has no scatter still."""
    spread = covariance.variances(covariance.form(statistics.scatter, statistics.mass), statistics.mean.shape)
    return apart(parameters, flags(last, covariance) & ~spread.any(axis=0), covariance)


def appeared(new: Statistics, last: "Parameters", covariance: Covariance) -> Flags:
    """Which of the unknown features a batch has values of (d,)."""
    spread = covariance.variances(covariance.form(new.scatter, new.mass), new.mean.shape)
    said = spread.any(axis=0) | (new.mean != last.means).any(axis=0)
    return np.asarray(flags(last, covariance) & said)


def taken_in(statistics: Statistics, features: Flags, batch: Said, covariance: Covariance) -> Statistics:
    """The statistics in which all components have what the batch says of the features flagged (d,)."""
    spread = covariance.form(statistics.scatter, statistics.mass)
    return Statistics(
        statistics.mass,
        frozen(np.where(features, batch.mean, statistics.mean)),
        frozen(covariance.unform(covariance.set_apart(spread, features, batch.variance), statistics.mass)),
    )


def said(new: Statistics, complete: Statistics, vectors: float, covariance: Covariance) -> Said:
    """What a batch of so many vectors says: its complete ones (none: no mass), else all, filled with 0."""
    found, exact = _moments(new, covariance), _moments(complete, covariance)
    about_zero = np.square(found.mean) + found.variance
    share = np.divide(np.square(found.mean), about_zero, out=np.ones_like(about_zero), where=about_zero > 0)
    wide = about_zero / np.maximum(share, 1 / vectors)
    enough = exact.variance > 0
    return Said(np.where(enough, exact.mean, found.mean), np.where(enough, exact.variance, wide))


def _moments(of: Statistics, covariance: Covariance) -> Said:
    """Of all components together."""
    total = of.mass.sum()
    shares = of.mass / total if total > 0 else of.mass
    within = covariance.variances(covariance.form(of.scatter, of.mass), of.mean.shape) if total > 0 else 0 * of.mean
    mean = shares @ of.mean
    return Said(mean, np.asarray(shares @ (within + np.square(of.mean - mean))))
