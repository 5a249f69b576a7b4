"""How far each component of the model has come from where it stood in the reference: diagnosis, never to alarm.

How much of this is noise depends on the step size, which is why it raises no alarm. Components are matched by id; one
that came after the reference has no place in it, and is not told of.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamgmm.drift.reference import Reference
from streamgmm.drift.wasserstein import matched
from streamgmm.mixture import unseen
from streamgmm.mixture.between import between, bhattacharyya, mahalanobis, symmetric_divergence
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.vacancy import vacant

MOST = 64  # components told of: the largest


class Apart(NamedTuple):
    """One component."""

    component: int  # id
    shift: float  # of its mean, in the reference component's standard deviations (Mahalanobis)
    divergence: float  # symmetric Kullback-Leibler, nats
    bhattacharyya: float  # nats
    wasserstein: float  # in the (transformed) features' unit


class Comparison:
    """A model and its reference; what is said of them is computed when somebody asks, and then once."""

    def __init__(
        self, model: tuple[Parameters, NDArray[np.int64]], reference: Reference, covariance: Covariance
    ) -> None:
        self._model, self._reference, self._covariance = model, reference, covariance

    @cached_property
    def components(self) -> tuple[Apart, ...]:
        """Each component that the reference has too, the largest first."""
        return apart(self._model, self._reference, self._covariance)


def apart(
    model: tuple[Parameters, NDArray[np.int64]], reference: Reference, covariance: Covariance
) -> tuple[Apart, ...]:
    """Parameters and ids (k,) of a model against its reference."""
    parameters, ids = model
    common, here, there = np.intersect1d(ids, reference.ids, return_indices=True)
    there_is = ~vacant(parameters.weights[here])
    common, here, there = common[there_is], here[there_is], there[there_is]
    largest = np.argsort(-parameters.weights[here], kind="stable")[:MOST]
    places = there[largest], here[largest]
    before, parameters = unseen.without(reference.parameters, parameters, covariance)
    pairs = between(before, parameters, places, covariance)
    columns = (
        mahalanobis(pairs),
        symmetric_divergence(pairs),
        bhattacharyya(pairs),
        matched(before, parameters, places, covariance),
    )
    return tuple(
        Apart(component, *values)
        for component, *values in zip(common[largest].tolist(), *(column.tolist() for column in columns), strict=True)
    )
