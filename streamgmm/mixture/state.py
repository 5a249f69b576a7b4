"""What a learner knows at one moment, and what a step tells of itself: values that never change."""

from typing import NamedTuple

from streamgmm.mixture.arrays import Array
from streamgmm.mixture.average import Average
from streamgmm.mixture.lookout import Lookout
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.pending import Pending
from streamgmm.mixture.statistics import Statistics
from streamgmm.mixture.weak import Change


class State(NamedTuple):
    """All that the next step needs."""

    parameters: Parameters
    statistics: Statistics
    pending: Pending  # scored since the last M-step
    time: float  # weight learnt / batch_size
    steps: int  # M-steps
    repairs: int  # covariances that needed more regularisation, or kept the last good one
    effective_sample_size: float  # vectors of equal weight that would say as much as the statistics
    event_time: float | None = None  # seconds, the largest learnt; None before any was given
    average: Average | None = None  # of the statistics, where `Learning.averaging` asks for it
    revived: int = 0  # components put in the place of a dead one, or in a vacant one
    background: float = 0.0  # weight of the background
    lookout: Lookout | None = None  # for components that have become one or two, where `Learning` asks for it


class Info(NamedTuple):
    """What an observer may want to know of each vector."""

    responsibilities: Array  # (n, k); sum to 1, less what belongs to the background
    log_likelihood: Array  # (n,) nats


class StepInfo(NamedTuple):
    """What an observer may want to know of an M-step."""

    step_size: float
    weight: float  # learnt by it
    repairs: int
    weak: int = 0  # components that borrow covariance from the others
    changes: tuple[Change, ...] = ()  # what became of components


class UpdateInfo(NamedTuple):
    """The same of an update: of its vectors, and of its M-step."""

    responsibilities: Array  # (n, k)
    log_likelihood: Array  # (n,) nats, before they were learnt
    step: StepInfo
