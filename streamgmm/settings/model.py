"""The mixture."""

from typing import Literal

from pydantic import Field

from streamgmm.settings.section import NAME, Section


class Model(Section):
    """The mixture."""

    name: str = Field(
        "model",
        min_length=1,
        max_length=100,
        pattern=NAME,
        description="the model's name: key of its checkpoints, part of its transactional id",
    )
    n_components: int = Field(ge=1, le=10_000, description="number of components K")
    covariance_type: Literal["full", "tied", "diag", "spherical"] = Field(
        "full", description="shape of the covariances, as in scikit-learn"
    )
    n_features: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="number of features D; null: the length of the list `input.features`, or of the first vector. "
        "Required by the formats float32 and float64",
    )
    reg_relative: float = Field(
        1e-6,
        ge=0,
        le=1,
        description="added to a covariance's diagonal, times each feature's median variance within a component",
    )
    reg_covar: float = Field(0.0, ge=0, description="added to a covariance's diagonal, in the feature's unit squared")
    random_state: int = Field(0, ge=0, lt=2**32, description="seed of the k-means start")
