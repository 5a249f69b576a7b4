"""Places that hold no component: where one was merged away, until another is put there.

The number of places is the number of components that the model began with. A vacant one has the weight `VACANT`, below
any that a component can have, and no mass; a component that is put there has mass, and the M-step forms it like any.
"""

import numpy as np

from streamgmm.mixture.arrays import Array, Flags, frozen
from streamgmm.mixture.m_step import LEAST_MASS, VACANT
from streamgmm.mixture.parameters import Parameters


def vacant(weights: Array) -> Flags:
    """Which places (k,) are vacant."""
    return np.asarray(weights < LEAST_MASS)


def vacated(parameters: Parameters, place: int) -> Parameters:
    """The parameters with one place more that is vacant."""
    weights = parameters.weights.copy()
    weights[place] = VACANT
    return parameters._replace(weights=frozen(weights))
