"""What can be asked of a fitted mixture.

All of it is asked of the public attributes (`weights_`, `means_`, `covariances_`, `precisions_cholesky_`), which have
scikit-learn's names and shapes: whoever sets them asks the model that they describe.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from streamgmm.mixture import bounds, imputation, mahalanobis, sampling, scoring, selection
from streamgmm.mixture import conditional as conditionals
from streamgmm.mixture import covariance as covariances
from streamgmm.mixture.arrays import Array, frozen
from streamgmm.mixture.block import Rows
from streamgmm.mixture.conditional import Conditional
from streamgmm.mixture.covariance import Covariance
from streamgmm.mixture.parameters import Parameters
from streamgmm.mixture.pieces import ones
from streamgmm.mixture.rows import any_infinite
from streamgmm.mixture.state import Info

Seed: TypeAlias = "int | np.random.RandomState | None"

_AS_THEY_GO_IN = {"dtype": np.float64, "order": "C", "ensure_all_finite": "allow-nan"}


class Answers(DensityMixin, BaseEstimator):  # type: ignore[misc]
    """A mixture that is fitted; what fits it is a subclass. Every X may hold NaN, which is a missing feature."""

    weights_: Array
    means_: Array
    covariances_: Array
    precisions_cholesky_: Array
    random_state: Seed
    _fitted_type: str

    def predict(self, X: ArrayLike) -> NDArray[np.intp]:
        """Say which component is the most probable for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing feature.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Index of the component.
        """
        return np.asarray(self.predict_proba(X).argmax(axis=1))

    def predict_proba(self, X: ArrayLike) -> Array:
        """Say how probable each component is for each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing feature.

        Returns
        -------
        responsibilities : ndarray of shape (n_samples, n_components)
            Each row sums to 1.
        """
        return np.array(self._info(self._new_rows(X)).responsibilities)

    def score_samples(self, X: ArrayLike) -> Array:
        """Compute the log-likelihood of each row.

        Rows that lack different features have densities of different things, which cannot be compared.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing feature.

        Returns
        -------
        log_likelihood : ndarray of shape (n_samples,)
            In nats, of what is known of the row.
        """
        rows = self._new_rows(X)
        return np.array(scoring.log_likelihood(self._parameters, rows.vectors, self._covariance))

    def score(self, X: ArrayLike, y: object = None) -> float:
        """Compute the mean log-likelihood of the rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing feature.
        y : Ignored
            Not used, present by convention.

        Returns
        -------
        log_likelihood : float
            In nats a row.
        """
        return float(self.score_samples(X).mean())

    def bic(self, X: ArrayLike) -> float:
        """Compute the Bayesian information criterion on X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing feature.

        Returns
        -------
        bic : float
            Lower is better.
        """
        return selection.criterion_on(self._parameters, self._new_rows(X), self._covariance, selection.bic)

    def aic(self, X: ArrayLike) -> float:
        """Compute Akaike's information criterion on X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing feature.

        Returns
        -------
        aic : float
            Lower is better.
        """
        return selection.criterion_on(self._parameters, self._new_rows(X), self._covariance, selection.aic)

    def sample(self, n_samples: int = 1) -> tuple[Array, NDArray[np.intp]]:
        """Draw rows from the mixture.

        Parameters
        ----------
        n_samples : int, default=1
            How many.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            The rows, ordered by component.
        labels : ndarray of shape (n_samples,)
            The component that each came from.
        """
        count = bounds.integer("n_samples", n_samples, 1)
        return sampling.sample(self._parameters, count, self._covariance, self._generator())

    def impute(self, X: ArrayLike) -> Array:
        """Fill what is missing with its expectation, given what is known of its row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing feature.

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
            What was known as it was, and no NaN.
        """
        return imputation.impute(self._parameters, self._new_rows(X).vectors, self._covariance)

    def mahalanobis(self, X: ArrayLike) -> Array:
        """Measure how far each row lies from each component.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is a missing feature, and the known ones count.

        Returns
        -------
        distances : ndarray of shape (n_samples, n_components)
            In standard deviations. The square is chi-squared with as many degrees of freedom as features are known.
        """
        return np.array(mahalanobis.distances(self._parameters, self._new_rows(X).vectors, self._covariance))

    def conditional(self, X: ArrayLike) -> Conditional:
        """Give the distribution of what is missing: a mixture again, of which `impute` takes the mean.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows that all lack the same features (NaN).

        Returns
        -------
        conditional : Conditional
            Of m missing features: `weights` (n_samples, n_components), `log_likelihood` (n_samples,) of what is known,
            `means` (n_samples, n_components, m) and `covariances` (n_components, m, m).
        """
        vectors = self._new_rows(X).vectors
        missing = np.isnan(vectors)
        if (missing != missing[0]).any():
            where = int(np.argmax((missing != missing[0]).any(axis=1)))
            raise ValueError(f"X lacks other features in row {where} than in row 0; ask for each pattern by itself")
        return conditionals.conditional(
            self._parameters, vectors[:, ~missing[0]], np.asarray(missing[0]), self._covariance
        )

    @property
    def fitted_type(self) -> str:
        """The covariance type of what was fitted, whatever `covariance_type` has been set to since."""
        return self._fitted_type

    @property
    def precisions_(self) -> Array:
        """Inverse covariances, by covariance type."""
        return self._covariance.square(self.precisions_cholesky_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    # ---- within

    @property
    def _covariance(self) -> Covariance:
        return covariances.by_name(self._fitted_type)

    @property
    def _parameters(self) -> Parameters:
        check_is_fitted(self)
        found = (self.weights_, self.means_, self.covariances_, self.precisions_cholesky_)
        return Parameters(*map(frozen, found))

    def _info(self, rows: Rows) -> Info:
        """Responsibilities and log-likelihoods, whatever the rows' weights."""
        return scoring.e_step(self._parameters, rows.vectors, self._covariance)

    def _new_rows(self, X: ArrayLike) -> Rows:
        check_is_fitted(self)
        return self._rows(X, None, reset=False)

    def _rows(self, X: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool) -> Rows:
        plain = not reset and self._is_plain(X)
        vectors = frozen(X if plain else self._validated(X, reset=reset))
        if sample_weight is None:
            return Rows(vectors, ones(len(vectors)))
        return Rows(vectors, bounds.weights("sample_weight", sample_weight, len(vectors)))

    def _validated(self, X: ArrayLike, *, reset: bool) -> ArrayLike:
        """As scikit-learn checks them; what it says of values that are no numbers does not name X."""
        try:
            found: ArrayLike = validate_data(self, X, reset=reset, **_AS_THEY_GO_IN)
        except OverflowError as error:
            raise ValueError(f"X has a number that is beyond float64: {error}") from error
        except ValueError as error:
            if str(error).startswith(("could not convert", "Complex data")):
                raise ValueError(f"X must hold real numbers: {str(error).splitlines()[0]}") from error
            raise
        return found

    def _is_plain(self, X: ArrayLike) -> bool:
        """Whether scikit-learn would find nothing to check or convert; that takes longer than to learn 500 rows."""
        return (
            type(X) is np.ndarray
            and X.dtype == np.float64
            and X.ndim == 2
            and X.shape[1] == self.n_features_in_
            and len(X) > 0
            and X.flags.c_contiguous
            and not hasattr(self, "feature_names_in_")
            and not any_infinite(frozen(X))
        )

    def _generator(self) -> np.random.Generator:
        try:
            found = check_random_state(self.random_state)
        except ValueError as error:
            raise ValueError(
                f"random_state is {self.random_state!r}; it must be None, an integer from 0 to {2**32 - 1}, or a "
                "numpy RandomState"
            ) from error
        return np.random.default_rng(found.randint(2**31 - 1))
