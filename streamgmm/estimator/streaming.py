"""`fit` on data that are there, `partial_fit` on a stream.

`fit` starts a model from the data (from a sample of them where they are many) and makes passes over them by stepwise
EM, in a seeded random order. `partial_fit` starts a model from its first rows, and then learns every call as the next
piece of a stream, with an M-step after each `batch_size` rows and at the end of the call.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClusterMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from streamgmm.estimator import hyper_parameters
from streamgmm.estimator.answers import Answers, Seed
from streamgmm.mixture import averaging, bounds, gaussian, initialise, passes, scoring, stepwise_em
from streamgmm.mixture import start as starts
from streamgmm.mixture.block import Rows
from streamgmm.mixture.given import given
from streamgmm.mixture.learning import Learning, check_timed
from streamgmm.mixture.parameters import shape_of
from streamgmm.mixture.passes import Fitted, Passes
from streamgmm.mixture.state import State


class StreamingGaussianMixture(ClusterMixin, Answers):  # type: ignore[misc]
    """Gaussian mixture by stepwise EM: in one pass over a stream, or in several over data.

    Parameters have the names of scikit-learn's GaussianMixture where it has them. Every method raises ValueError for
    bad input, naming the argument, its value and the bound.

    Parameters
    ----------
    n_components : int, default=1
        Number of components.
    covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='full'
        Each component has a covariance of its own, all share one, each has a variance for each feature, or each has
        one variance.
    tol : float, default=1e-3
        Passes of `fit` end when the mean log-likelihood gains less, in nats a row for a pass that replaces all of the
        statistics.
    reg_covar : float, default=0.0
        Added to each variance, in the feature's unit squared.
    max_iter : int, default=100
        Passes of `fit` end after so many.
    n_init : int, default=1
        Number of starts, of which the likeliest is taken.
    init_params : {'kmeans', 'k-means++', 'hierarchical', 'random_from_data', 'random'}, default='kmeans'
        How the model starts.
    weights_init : array-like of shape (n_components,), default=None
        Weights to start from, in the place of those that the start finds.
    means_init : array-like of shape (n_components, n_features), default=None
        Means to start from.
    precisions_init : array-like, default=None
        Inverse covariances to start from, in the shape of the covariance type. With weights and means given too the
        model starts exactly there.
    random_state : int, RandomState instance or None, default=None
        Fixes the start, the order of rows in `fit`, and what `sample` draws.
    warm_start : bool, default=False
        `fit` goes on from the last model.
    batch_size : int, default=512
        Rows, by weight, between M-steps; also the unit of time.
    exponent : float, default=0.6
        Statistics are forgotten at the rate (time + `delay`) ** -`exponent`; above 0.5, at most 1.
    delay : float, default=10.0
        Slows the first steps, in batches.
    half_life : float, mapping or None, default=None
        After it at most half of the statistics is kept, so that the model can follow a stream that changes: a number
        of rows, or `{"value": 100, "unit": "batches"}` with the unit records, batches or seconds (of `event_time`).
    averaging : bool, default=True
        Average the statistics over the tail of what was learnt. `fit` ends at the average over its passes where that is
        likelier; after `partial_fit` it is there for `settle`.
    reg_relative : float, default=1e-6
        Added to each variance, as a multiple of the feature's typical variance within a component.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Weights; they sum to 1.
    means_ : ndarray of shape (n_components, n_features)
        Means.
    covariances_ : ndarray
        Covariances: (n_components, n_features, n_features) if full, (n_features, n_features) if tied,
        (n_components, n_features) if diag, (n_components,) if spherical.
    precisions_ : ndarray
        Inverse covariances, in the same shape.
    precisions_cholesky_ : ndarray
        Factors P of the precisions P P^T, upper triangular, in the same shape.
    labels_ : ndarray of shape (n_samples,)
        The most probable component of each row last learnt; in `partial_fit`, before it was learnt.
    effective_sample_size_ : float
        How many rows of equal weight would say as much as what the model remembers.
    n_steps_ : int
        Number of M-steps.
    state_ : State
        The value that `streamgmm.mixture.stepwise_em` works on.
    converged_ : bool
        Whether the last `fit` ended before `max_iter`.
    n_iter_ : int
        Passes of the last `fit`.
    lower_bound_ : float
        Mean log-likelihood of the last `fit`'s rows, in nats.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X was a frame whose columns all have names.

    See Also
    --------
    sklearn.mixture.GaussianMixture : Batch EM on data that fit into memory.

    Notes
    -----
    NaN in X is a missing feature, in any pattern: a row is scored and learnt by what is known of it. A row of weight 0
    is as if absent. In `fit` only the ratios of weights count. In a stream weight is time: what `partial_fit` has
    learnt is forgotten by the weight that follows, so weights should be about 1 on average.

    References
    ----------
    O. Cappe, E. Moulines (2009). On-line expectation-maximization algorithm for latent data models. Journal of the
    Royal Statistical Society B 71. What is computed is derived in `docs/mathematics.md`.

    Examples
    --------
    >>> import numpy as np
    >>> from streamgmm import StreamingGaussianMixture
    >>> X = np.array([[1.0, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> model = StreamingGaussianMixture(n_components=2, random_state=0).fit(X)
    >>> model.means_[model.predict([[1, 1], [10, 3]])].round()
    array([[ 1.,  2.],
           [10.,  2.]])
    >>> model.partial_fit([[2.0, np.nan], [11, 3]]).n_features_in_
    2
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 0.0,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        weights_init: ArrayLike | None = None,
        means_init: ArrayLike | None = None,
        precisions_init: ArrayLike | None = None,
        random_state: Seed = None,
        warm_start: bool = False,
        batch_size: int = 512,
        exponent: float = 0.6,
        delay: float = 10.0,
        half_life: float | Mapping[str, Any] | None = None,
        averaging: bool = True,
        reg_relative: float = 1e-6,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.weights_init = weights_init
        self.means_init = means_init
        self.precisions_init = precisions_init
        self.random_state = random_state
        self.warm_start = warm_start
        self.batch_size = batch_size
        self.exponent = exponent
        self.delay = delay
        self.half_life = half_life
        self.averaging = averaging
        self.reg_relative = reg_relative

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn X in passes, each in a new random order, until the likelihood no longer grows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing feature.
        y : Ignored
            Not used, present by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, finite and not negative; 1 each by default.

        Returns
        -------
        self : StreamingGaussianMixture
            The fitted estimator.
        """
        learning = self.learning()
        at_most = Passes(bounds.integer("max_iter", self.max_iter, 1), bounds.real("tol", self.tol, 0))
        goes_on = bounds.flag("warm_start", self.warm_start) and hasattr(self, "state_")
        rows = _carrying(self._rows(X, sample_weight, reset=not goes_on))
        generator = self._generator()
        state = self._last(learning) if goes_on else self._start(rows, learning, generator)
        fitted = passes.fit(state, rows, learning, at_most, generator)
        self._publish(_likelier(fitted, rows, learning))
        self._judge(fitted, rows)
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: object = None,
        sample_weight: ArrayLike | None = None,
        event_time: float | None = None,
    ) -> Self:
        """Learn X as the next piece of a stream. The first call must hold enough rows to start from.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows in their order; NaN is a missing feature.
        y : Ignored
            Not used, present by convention.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, finite and not negative; 1 each by default.
        event_time : float, default=None
            The largest time of these rows, in seconds. A half-life in seconds forgets by its growth, and needs it.

        Returns
        -------
        self : StreamingGaussianMixture
            The estimator.
        """
        learning, first = self.learning(), not hasattr(self, "state_")
        check_timed(learning, event_time)
        rows = self._rows(X, sample_weight, reset=first)
        state = self._start(_carrying(rows), learning, self._generator()) if first else self._last(learning)
        labels = []
        for batch in passes.batches(rows.weights, learning.batch_size):
            scored, info = stepwise_em.score(state, rows.vectors[batch], rows.weights[batch], learning)
            state, _ = stepwise_em.learn(scored, learning, event_time)
            labels.append(info.responsibilities.argmax(axis=1))
        self._publish(state)
        self.labels_ = np.concatenate(labels)
        return self

    def settle(self) -> Self:
        """Let the model be that of the averaged statistics, which do not carry the noise of the last batches.

        For the end of a stream that did not change. The model goes on from there, and the average begins anew.

        Returns
        -------
        self : StreamingGaussianMixture
            The estimator.
        """
        check_is_fitted(self)
        self._publish(averaging.settled(self.state_, self.learning()))
        return self

    def learning(self) -> Learning:
        """Give the hyper-parameters as `streamgmm.mixture` takes them.

        Returns
        -------
        learning : Learning
            Checked: ValueError names a parameter that is out of its bounds.
        """
        return hyper_parameters.learning(vars(self))

    @classmethod
    def from_state(cls, state: State, features: Sequence[str] | None = None, **parameters: Any) -> Self:  # noqa: ANN401
        """Make an estimator that goes on from a state.

        Parameters
        ----------
        state : State
            As `state_` of another estimator, or from `streamgmm.mixture.stepwise_em`.
        features : sequence of str, default=None
            Names of the features.
        **parameters
            The constructor's, but for `n_components`, which the state says.

        Returns
        -------
        estimator : StreamingGaussianMixture
            A fitted estimator. ValueError where the state is of another number of components or covariance type.
        """
        n_components, n_features = shape_of(state.parameters)
        if parameters.pop("n_components", n_components) != n_components:
            raise ValueError(f"n_components must be that of the state, {n_components}")
        estimator = cls(n_components, **parameters)
        gaussian.model(state.parameters, estimator.learning().covariance)  # refuses those of another covariance type
        estimator.n_features_in_ = n_features
        if features is not None:
            estimator.feature_names_in_ = np.array(features, object)
        estimator._publish(state)
        return estimator

    # ---- within

    def _start(self, rows: Rows, learning: Learning, generator: np.random.Generator) -> State:
        """A model from rows, or a sample of them."""
        k = bounds.integer("n_components", self.n_components, 1)
        known = given(
            learning.covariance,
            (k, rows.vectors.shape[1]),
            weights_init=self.weights_init,
            means_init=self.means_init,
            precisions_init=self.precisions_init,
        )
        method = starts.by_name(self.init_params)
        how = initialise.Start(method, bounds.integer("n_init", self.n_init, 1), known)
        rows = passes.buffer(rows, k, generator)
        seed = int(generator.integers(2**31))
        return stepwise_em.init(rows.vectors, k, learning, random_state=seed, weights=rows.weights, start=how)

    def _last(self, learning: Learning) -> State:
        """The model to go on from. Raises ValueError where the parameters now describe another."""
        state: State = self.state_
        if len(state.parameters.weights) != self.n_components:
            raise ValueError(
                f"n_components is {self.n_components!r}, but the model to go on from has "
                f"{len(state.parameters.weights)}; keep that number, or clone the estimator"
            )
        if learning.covariance.name != self._covariance.name:
            raise ValueError(
                f"covariance_type is {learning.covariance.name!r}, but the model to go on from has "
                f"{self._covariance.name!r}; keep that type, or clone the estimator"
            )
        return state

    def _publish(self, state: State) -> None:
        self.state_ = state
        self._fitted_type = self.covariance_type
        self.weights_, self.means_, self.covariances_, self.precisions_cholesky_ = state.parameters
        self.n_steps_, self.effective_sample_size_ = state.steps, state.effective_sample_size

    def _judge(self, fitted: Fitted, rows: Rows) -> None:
        """What is known of a fit when it is over."""
        info = self._info(rows)
        self.n_iter_, self.converged_ = fitted.passes, fitted.converged
        self.labels_ = info.responsibilities.argmax(axis=1)
        self.lower_bound_ = float(np.average(info.log_likelihood, weights=rows.weights))
        if not fitted.converged:
            message = f"fit did not converge in max_iter={self.max_iter} passes; raise max_iter or tol"
            warnings.warn(message, ConvergenceWarning, stacklevel=3)


def _carrying(rows: Rows) -> Rows:
    if not rows.weights.any():
        raise ValueError("sample_weight is zero everywhere; at least one weight must be above zero")
    return rows


def _likelier(fitted: Fitted, rows: Rows, learning: Learning) -> State:
    """The state, or the one that its averaged statistics say: few batches have little noise to average."""
    if fitted.averaged.parameters is fitted.state.parameters:
        return fitted.state

    def log_likelihood(one: State) -> float:
        return float(rows.weights @ scoring.log_likelihood(one.parameters, rows.vectors, learning.covariance))

    return max(fitted.state, fitted.averaged, key=log_likelihood)
