"""What is fixed for the life of a model: the hyper-parameters of stepwise EM."""

from typing import NamedTuple

from streamgmm.mixture.covariance import Covariance


class Learning(NamedTuple):
    """Hyper-parameters.

    `reg_relative` is added to a covariance's diagonal times the feature's typical variance within a component,
    `reg_covar` as it is, in the feature's unit squared.
    """

    covariance: Covariance
    batch_size: int
    exponent: float = 0.6  # 0.5 < exponent <= 1
    delay: float = 10.0  # >= 0, in batches
    reg_relative: float = 1e-6
    reg_covar: float = 0.0
