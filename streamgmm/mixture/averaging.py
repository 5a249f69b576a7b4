"""The model that the averaged statistics say, beside the one that was learnt last."""

from numpy.typing import ArrayLike

from streamgmm.mixture import effective_size, weak
from streamgmm.mixture import pending as batch
from streamgmm.mixture.average import over_both, since_it_began
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.parameters import Parameters, m_step, shape_of
from streamgmm.mixture.state import Info, State
from streamgmm.mixture.stepwise_em import score


def averaged(state: State, learning: Learning) -> Parameters:
    """The model that the averaged statistics say; the state's own where there are none."""
    return settled(state, learning).parameters


def averaged_size(state: State, learning: Learning) -> float:
    """How many vectors of equal weight would say as much as the model of `averaged`."""
    if state.average is None:
        return state.effective_sample_size
    batches = state.average.earlier_time + state.average.recent_time
    size, learnt = state.effective_sample_size / learning.batch_size, since_it_began(state.average)
    return min(learning.batch_size * effective_size.of_average(size, batches, learnt), learning.most_vectors)


def settled(state: State, learning: Learning) -> State:
    """The state that goes on from its averaged statistics and averages anew; itself where there are none."""
    if state.average is None:
        return state
    covariance = learning.covariance
    statistics, size = over_both(state.average, covariance), averaged_size(state, learning)
    parameters, _ = m_step(weak.lean(statistics, size, covariance), state.parameters, learning)
    return state._replace(parameters=parameters, statistics=statistics, effective_sample_size=size, average=None)


def scored_by_average(state: State, vectors: ArrayLike, learning: Learning) -> Info:
    """What the averaged model says of vectors (n, d), none of which is learnt; the state's own where there is none."""
    nothing = batch.nothing(shape_of(state.parameters), learning.covariance.kernel)
    looking = state._replace(parameters=averaged(state, learning), pending=nothing)
    return score(looking, vectors, None, learning)[1]


def restart_average(state: State) -> State:
    """The state whose average begins anew with the next M-step."""
    return state._replace(average=None)
