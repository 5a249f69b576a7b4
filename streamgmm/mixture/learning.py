"""What is fixed for the life of a model: the hyper-parameters of stepwise EM."""

import math
from typing import TYPE_CHECKING, NamedTuple

from streamgmm.mixture import bounds
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.step_size import ENDLESS, HalfLife

if TYPE_CHECKING:
    from streamgmm.mixture.background import Background
    from streamgmm.mixture.revive import Policy


class Learning(NamedTuple):
    """Hyper-parameters.

    `reg_relative` is added to a covariance's diagonal times the feature's typical variance within a component,
    `reg_covar` as it is, in the feature's unit squared. `half_life` is made by `step_size.half_life`; of a pause in
    event time at most `max_gap` seconds count.
    """

    covariance: Covariance
    batch_size: int
    exponent: float = 0.6  # 0.5 < exponent <= 1
    delay: float = 10.0  # >= 0, in batches
    reg_relative: float = 1e-6
    reg_covar: float = 0.0
    half_life: HalfLife = ENDLESS
    max_gap: float = math.inf  # > 0, seconds
    dead_components: "Policy | None" = None  # by `revive.by_name`; None keeps them
    background: "Background | None" = None  # by `background.over`; None: every vector belongs to a component
    merge: float | None = None  # coefficient of overlap, 0.5 to below 1, above which components are merged; None: never
    split: bool = False  # components whose vectors fall in two, where a place is vacant or a component dead
    averaging: bool = False  # keep averaged statistics
    most_vectors: float = math.inf  # effective size of data that are passed over again and again; of a stream infinite
    random_state: int = 0  # of the choices that a policy makes


def checked(learning: Learning) -> Learning:
    """The same, if every number is within its bounds. Raises ValueError that names what is not, and the bound."""
    if not hasattr(learning.covariance, "kernel"):
        raise ValueError(
            f"covariance is {learning.covariance!r}; it must be one of those that covariance.by_name gives"
        )
    if not (learning.dead_components is None or callable(learning.dead_components)):
        raise ValueError(f"dead_components is {learning.dead_components!r}; it must be one that revive.by_name gives")
    bounds.integer("batch_size", learning.batch_size, 1)
    bounds.real("exponent", learning.exponent, 0.5, 1.0, above=True)
    bounds.integer("random_state", learning.random_state, 0)
    for name in ("delay", "reg_relative", "reg_covar"):
        bounds.real(name, getattr(learning, name), 0.0)
    if learning.merge is not None and bounds.real("merge", learning.merge, 0.5, 1.0) == 1:
        raise ValueError("merge is 1; it must be below 1, or nothing would ever be merged: None says so")
    for name in ("split", "averaging"):
        bounds.flag(name, getattr(learning, name))
    half_life = learning.half_life
    if not half_life.batches >= 1:
        raise ValueError(f"half_life.batches is {half_life.batches}; it must be at least 1")
    lengths = {name: getattr(learning, name) for name in ("max_gap", "most_vectors")}
    for name, length in {"half_life.seconds": half_life.seconds, **lengths}.items():
        if not length > 0:
            raise ValueError(f"{name} is {length}; it must be above 0")
    return learning


def check_timed(learning: Learning, event_time: float | None) -> None:
    """Raise ValueError where forgetting goes by event time and none is given."""
    if event_time is None and learning.half_life.seconds < math.inf:
        raise ValueError(
            f"event_time is None; with a half-life of {learning.half_life.seconds} seconds it must be a time in seconds"
        )
