"""The mixture as a scikit-learn estimator: `fit` on data that are there, `partial_fit` on a stream.

`fit` starts a model from the data (from a sample of them where they are many) and makes passes over them by stepwise
EM, in a seeded random order. `partial_fit` starts a model from its first vectors, and then learns every call as the
next piece of a stream, with an M-step after each `batch_size` vectors and at the end of the call.

What can be asked of a model is asked of its public attributes (`weights_`, `means_`, `covariances_`,
`precisions_cholesky_`), which have scikit-learn's names and shapes.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClusterMixin, DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from streamgmm.mixture import covariance as covariances
from streamgmm.mixture import imputation, initialise, passes, sampling, selection, stepwise_em
from streamgmm.mixture import start as starts
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import Rows
from streamgmm.mixture.bounds import integer, real, weights_of
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.given import given
from streamgmm.mixture.learning import Learning
from streamgmm.mixture.parameters import Parameters, shape_of
from streamgmm.mixture.passes import Fitted, Passes
from streamgmm.mixture.step_size import ENDLESS, HalfLife, half_life
from streamgmm.mixture.stepwise_em import State


class StreamingGaussianMixture(ClusterMixin, DensityMixin, BaseEstimator):  # type: ignore[misc]
    """A Gaussian mixture by stepwise EM, in one pass over a stream or several over data.

    Parameters have scikit-learn's GaussianMixture's names where it has them.

    - `n_components`, `covariance_type` (full, tied, diag, spherical).
    - `tol`, `max_iter`: passes of `fit` end when the mean log-likelihood (nats) gains less, or after so many.
    - `reg_covar` is added to each variance (unit of the feature squared), `reg_relative` times the feature's variance.
    - `init_params` (kmeans, k-means++, hierarchical, random_from_data, random), `n_init` starts of which the likeliest
      is taken; `weights_init`, `means_init`, `precisions_init` take the place of what a start finds. All three
      together are where the model starts, exactly.
    - `random_state` fixes the start and the order of rows.
    - `warm_start`: `fit` goes on from the last model.
    - `batch_size` vectors, by weight, are a unit of time t and the rows between M-steps; statistics are forgotten at
      the rate (t + `delay`) ** -`exponent`, with an exponent above 0.5 and at most 1. After a `half_life` at most half
      of them is kept: a number of vectors, or `{"value": 100, "unit": "batches"}`; None is no such bound.

    Attributes: `weights_` (k,), `means_` (k, d), `covariances_`, `precisions_`, `precisions_cholesky_` (by covariance
    type), `labels_` of the rows last learnt, `n_steps_` (M-steps), `effective_sample_size_` (how many vectors of equal
    weight would say as much as the statistics do), `state_` (the value that `stepwise_em` works on); from `fit` also
    `converged_`, `n_iter_` (passes), `lower_bound_` (mean log-likelihood); `n_features_in_`, and from a frame with
    named columns `feature_names_in_`.

    NaN in X is a missing feature, in any pattern: a row is scored and learnt by what is known of it.

    Every method raises ValueError for bad input, naming the argument, its value and the bound.
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
        random_state: int | np.random.RandomState | None = None,
        warm_start: bool = False,
        batch_size: int = 512,
        exponent: float = 0.6,
        delay: float = 10.0,
        half_life: float | Mapping[str, Any] | None = None,
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
        self.reg_relative = reg_relative

    # ---- learning

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn X (n, d), weighted by `sample_weight` (n,), in passes until the likelihood no longer grows."""
        learning = self.learning()
        at_most = Passes(integer("max_iter", self.max_iter, 1), real("tol", self.tol, 0))
        goes_on = bool(self.warm_start) and hasattr(self, "state_")
        rows = _carrying(self._rows(X, sample_weight, reset=not goes_on))
        generator = self._generator()
        state = self._last(learning) if goes_on else self._start(rows, learning, generator)
        fitted = passes.fit(state, rows, learning, at_most, generator)
        self._publish(fitted.state)
        self._judge(fitted, rows)
        return self

    def partial_fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Learn X (n, d) as the next piece of a stream. The first call must hold enough to start from."""
        learning, first = self.learning(), not hasattr(self, "state_")
        rows = self._rows(X, sample_weight, reset=first)
        state = self._start(_carrying(rows), learning, self._generator()) if first else self._last(learning)
        labels = []
        for batch in passes.batches(rows.weights, learning.batch_size):
            state, info = stepwise_em.update(state, rows.vectors[batch], learning, rows.weights[batch])
            labels.append(info.responsibilities.argmax(axis=1))
        self._publish(state)
        self.labels_ = np.concatenate(labels)
        return self

    # ---- what a model says

    def predict(self, X: ArrayLike) -> NDArray[np.intp]:
        """The most probable component of each row: (n,)."""
        return np.asarray(self.predict_proba(X).argmax(axis=1))

    def predict_proba(self, X: ArrayLike) -> Array:
        """Responsibilities: the probability of each component, (n, k)."""
        return np.array(self._info(self._new_rows(X)).responsibilities)

    def score_samples(self, X: ArrayLike) -> Array:
        """Log-likelihood of each row, in nats: (n,)."""
        rows = self._new_rows(X)
        return np.array(stepwise_em.log_likelihood(self._parameters, rows.vectors, self._covariance))

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Mean log-likelihood of the rows, in nats."""
        return float(self.score_samples(X).mean())

    def bic(self, X: ArrayLike) -> float:
        """Bayesian information criterion on X; lower is better."""
        return selection.criterion_on(self._parameters, self._new_rows(X), self._covariance, selection.bic)

    def aic(self, X: ArrayLike) -> float:
        """Akaike's information criterion on X; lower is better."""
        return selection.criterion_on(self._parameters, self._new_rows(X), self._covariance, selection.aic)

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.intp]]:
        """Vectors drawn from the mixture (n, d), and the components they came from (n,)."""
        count = integer("n_samples", n_samples, 1)
        return sampling.sample(self._parameters, count, self._covariance, self._generator())

    def impute(self, X: ArrayLike) -> Array:
        """X (n, d) with every NaN replaced by its expectation, given what is known of its row."""
        return imputation.impute(self._parameters, self._new_rows(X).vectors, self._covariance)

    @property
    def precisions_(self) -> Array:
        """Inverse covariances, by covariance type."""
        return self._covariance.square(self.precisions_cholesky_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def learning(self) -> Learning:
        """The hyper-parameters as `stepwise_em` takes them. Raises ValueError for one that is out of its bounds."""
        batch_size = integer("batch_size", self.batch_size, 1)
        return Learning(
            covariance=covariances.by_name(self.covariance_type),
            batch_size=batch_size,
            exponent=real("exponent", self.exponent, 0.5, 1, above=True),
            delay=real("delay", self.delay, 0),
            reg_relative=real("reg_relative", self.reg_relative, 0),
            reg_covar=real("reg_covar", self.reg_covar, 0),
            half_life=_half_life(self.half_life, batch_size),
        )

    @classmethod
    def from_state(cls, state: State, features: Sequence[str] | None = None, **parameters: Any) -> Self:  # noqa: ANN401
        """An estimator that goes on from a state, with these constructor's parameters and names of features."""
        n_components, n_features = shape_of(state.parameters)
        estimator = cls(n_components, **parameters)
        estimator.n_features_in_ = n_features
        if features is not None:
            estimator.feature_names_in_ = np.array(features, object)
        estimator._publish(state)
        return estimator

    # ---- within

    def _start(self, rows: Rows, learning: Learning, generator: np.random.Generator) -> State:
        """A model from rows, or a sample of them."""
        k = integer("n_components", self.n_components, 1)
        known = given(
            learning.covariance,
            (k, rows.vectors.shape[1]),
            weights_init=self.weights_init,
            means_init=self.means_init,
            precisions_init=self.precisions_init,
        )
        how = initialise.Start(starts.by_name(self.init_params), integer("n_init", self.n_init, 1), known)
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

    @property
    def _covariance(self) -> Covariance:
        return covariances.by_name(self._fitted_type)

    @property
    def _parameters(self) -> Parameters:
        check_is_fitted(self)
        found = (self.weights_, self.means_, self.covariances_, self.precisions_cholesky_)
        return Parameters(*map(frozen, found))

    def _info(self, rows: Rows) -> stepwise_em.Info:
        """Responsibilities and log-likelihoods under the public attributes."""
        learning = Learning(self._covariance, self.batch_size)
        scorer = stepwise_em.begin(self.state_.statistics, self._parameters, learning)
        return stepwise_em.score(scorer, rows.vectors, None, learning)[1]

    def _new_rows(self, X: ArrayLike) -> Rows:
        check_is_fitted(self)
        return self._rows(X, None, reset=False)

    def _rows(self, X: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool) -> Rows:
        vectors = frozen(
            validate_data(self, X, dtype=np.float64, order="C", reset=reset, ensure_all_finite="allow-nan")
        )
        weights = np.ones(len(vectors)) if sample_weight is None else weights_of(sample_weight, len(vectors))
        return Rows(vectors, frozen(weights))

    def _generator(self) -> np.random.Generator:
        return np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))


def _half_life(given: float | Mapping[str, Any] | None, batch_size: int) -> HalfLife:
    if given is None:
        return ENDLESS
    found = {"value": given, "unit": "records"} if not isinstance(given, Mapping) else dict(given)
    if found.keys() != {"value", "unit"} or found["unit"] not in ("records", "batches"):
        raise ValueError(
            f"half_life is {given!r}; it must be a number of vectors, or a value with the unit records or batches"
        )
    return half_life(real("half_life", found["value"], 0, above=True), found["unit"], batch_size)


def _carrying(rows: Rows) -> Rows:
    if not rows.weights.any():
        raise ValueError("sample_weight is zero everywhere; at least one weight must be above zero")
    return rows
