"""Two sums over different rows, added: what the parallel update of Chan, Golub and LeVeque (1979) says."""

import numpy as np

from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.moments import Sums


def joined(one: Sums, other: Sums) -> Sums:
    """The sums over the rows of both. A component that neither has seen keeps the first one's place."""
    mass = one.mass + other.mass
    share = np.divide(other.mass, mass, out=np.zeros_like(mass), where=mass > 0)
    shift = np.where(other.mass[:, None] > 0, other.mean - one.mean, 0.0)
    between = _outer(one.mass * share, shift, one.scatter.ndim)
    return Sums(
        one.weight + other.weight,
        frozen(mass),
        frozen(one.mean + share[:, None] * shift),
        frozen(one.scatter + other.scatter + between),
    )


def _outer(mass: Array, shift: Array, order: int) -> Array:
    """Mass times products of the shift's features (k, d, d), or its squares (k, d), as the scatter has them."""
    scaled = mass[:, None] * shift
    return np.asarray(scaled[:, :, None] * shift[:, None, :] if order == 3 else scaled * shift)
