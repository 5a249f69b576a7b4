"""A guard against wild vectors: a component of constant density beside the mixture (Banfield and Raftery 1993).

    p(x) = (1 - b) sum_k pi_k N(x; mu_k, Sigma_k) + b c,      c = product over the features of their densities

A vector that no component explains belongs to the background, with probability q = b c / p(x), and pulls at the
components with the rest of its weight alone. The weight b is learnt like the others; c is fixed. So the E-step of a
vector of weight w is that of the mixture with weight w (1 - q). Of a vector with missing features the known ones count.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from streamgmm.mixture import missing
from streamgmm.mixture import pending as batch
from streamgmm.mixture.arrays import Array, frozen, sealed
from streamgmm.mixture.block import LARGEST, Model, Output, Rows
from streamgmm.mixture.compiled import compiled
from streamgmm.mixture.effective_size import add_squares
from streamgmm.mixture.kernel import Kernel
from streamgmm.mixture.pending import Pending
from streamgmm.mixture.pieces import empty_output, pieces

if TYPE_CHECKING:
    from streamgmm.mixture.learning import Learning

FIRST_WEIGHT = 0.01  # before anything was learnt
_LEAST_WEIGHT = 1e-12  # so that it may grow again


class Background(NamedTuple):
    """The density of each feature, constant everywhere."""

    log_density: Array  # (d,) nats


def over(low: ArrayLike, high: ArrayLike) -> Background:
    """A background as dense as one vector spread evenly from `low` to `high` (d,).

    Raises ValueError where low is not below high.
    """
    width = np.asarray(high, np.float64) - np.asarray(low, np.float64)
    if width.ndim != 1 or not (np.isfinite(width) & (width > 0)).all():
        raise ValueError(f"background is {width} wide; low must lie below high in every feature, both finite")
    return Background(frozen(-np.log(width)))


def check(background: Background, n_features: int) -> None:
    """Raise ValueError for a background of another number of features."""
    if len(background.log_density) != n_features:
        raise ValueError(
            f"background has {len(background.log_density)} features, but vectors have {n_features}; give a low and a "
            "high for each"
        )


def add_beside(
    pending: Pending, model: Model, rows: Rows, learning: "Learning", weight: float
) -> tuple[Pending, Output]:
    """`pending.add` beside the background that the learning names, which has that weight; without one, alone."""
    kernel = learning.covariance.kernel
    if learning.background is None:
        return batch.add(pending, model, rows, kernel)
    return add(pending, model, rows, kernel, learning.background, weight)


def add(
    pending: Pending, model: Model, rows: Rows, kernel: Kernel, background: Background, weight: float
) -> tuple[Pending, Output]:
    """As `pending.add`, beside a background of that weight; responsibilities then sum to 1 - q.

    Raises ValueError for a background of another number of features.
    """
    check(background, rows.vectors.shape[1])
    share = min(max(weight, _LEAST_WEIGHT), 1 - _LEAST_WEIGHT)
    output = empty_output(rows, len(model.means))
    for piece, place in pieces(rows, output):
        scores = missing.evidence(kernel, model, piece)
        belonging, evidence = np.empty(len(scores)), np.empty(len(scores))
        mass = _belonging(piece, scores, share, background.log_density, belonging, evidence, pending.background)
        squares = add_squares(pending.squares, piece.weights)
        remaining = Rows(piece.vectors, sealed(np.minimum(piece.weights, LARGEST) * (1 - belonging)))
        pending = batch.add_piece(pending, model, remaining, kernel, place)
        pending = pending._replace(squares=squares, background=mass)
        place.responsibilities[:] *= (1 - belonging)[:, None]
        place.log_likelihood[:] = evidence
    return pending, Output(*map(sealed, output))


@compiled
def _belonging(
    rows: Rows, scores: Array, share: float, log_density: Array, belonging: Array, evidence: Array, before: float
) -> float:
    """Fill in q and log p of each row; returns `before` plus the sum of w q, row by row in their order."""
    mass, mine, others = before, math.log(share), math.log1p(-share)
    for n in range(len(scores)):
        constant = mine
        for i in range(len(log_density)):
            if not math.isnan(rows.vectors[n, i]):
                constant += log_density[i]
        ahead = others + scores[n] - constant
        small = math.exp(-abs(ahead))
        evidence[n] = constant + max(ahead, 0.0) + math.log1p(small)
        belonging[n] = (small if ahead > 0.0 else 1.0) / (1.0 + small)
        mass += min(rows.weights[n], LARGEST) * belonging[n]
    return mass
