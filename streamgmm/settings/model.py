"""The mixture."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from streamgmm.settings.section import NAME, Section

Vector = list[float]
Matrix = list[Annotated[list[float], Field(min_length=1)]]
Spread = Vector | Matrix | list[Matrix]


class Background(Section):
    """The range over which a background is spread, feature by feature."""

    low: Vector = Field(min_length=1, description="the lower end of each feature, in its own unit")
    high: Vector = Field(min_length=1, description="the upper end")

    def contradictions(self) -> Iterator[str]:
        """Every feature has a range."""
        if len(self.low) != len(self.high):
            yield f"model.background: low has {len(self.low)} numbers, high has {len(self.high)}"
        for i, (low, high) in enumerate(zip(self.low, self.high, strict=False)):
            if not low < high:
                yield f"model.background: low[{i}] is {low:g}, high[{i}] is {high:g}; low must be below high"


class Model(Section):
    """The mixture."""

    name: str = Field(
        "model",
        min_length=1,
        max_length=100,
        pattern=NAME,
        description="the model's name: key of its checkpoints, part of its transactional id",
    )
    n_components: Annotated[int, Field(ge=1, le=10_000)] | Literal["auto"] = Field(
        description="number of components K; auto: that of the lowest BIC on the warm-up, in the range of the next two"
    )
    n_components_min: int = Field(1, ge=1, le=1000, description="the fewest components that auto tries")
    n_components_max: int = Field(10, ge=1, le=1000, description="the most components that auto tries")
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
    init_params: Literal["kmeans", "k-means++", "hierarchical", "random_from_data", "random"] = Field(
        "kmeans", description="how the model starts from the warm-up; a short batch EM follows"
    )
    n_init: int = Field(1, ge=1, le=100, description="starts, of which the likeliest is taken")
    weights_init: Vector | None = Field(
        None, min_length=1, description="weights (K) to start from, in the place of those found"
    )
    means_init: Matrix | None = Field(
        None, min_length=1, description="means (K lists of D) to start from, of the transformed features"
    )
    covariances_init: Spread | None = Field(
        None,
        min_length=1,
        description="covariances to start from, of the transformed features: full K x D x D, tied D x D, diag K x D, "
        "spherical K. With weights and means too the model starts exactly there",
    )
    precisions_init: Spread | None = Field(
        None, min_length=1, description="inverse covariances in the place of model.covariances_init"
    )
    background: Background | None = Field(
        None,
        description="a guard against wild vectors: beside the components one of constant density, as if a vector were "
        "spread from `low` to `high` (a list each, one number a feature, in the features' own units); its weight is "
        "learnt. null: none",
    )
    reg_relative: float = Field(
        1e-6,
        ge=0,
        le=1,
        description="added to a covariance's diagonal, times each feature's median variance within a component",
    )
    reg_covar: float = Field(0.0, ge=0, description="added to a covariance's diagonal, in the feature's unit squared")
    random_state: int = Field(
        0, ge=0, lt=2**32, description="seed of all that is random: the start, and where components are respawned"
    )

    @property
    def most_components(self) -> int:
        """The largest number of components that the settings allow."""
        return self.n_components_max if self.n_components == "auto" else self.n_components

    @property
    def fewest_components(self) -> int:
        """The smallest."""
        return self.n_components_min if self.n_components == "auto" else self.n_components

    @property
    def is_given(self) -> bool:
        """The whole mixture is in the settings."""
        shapes = self.covariances_init, self.precisions_init
        return None not in (self.weights_init, self.means_init) and shapes != (None, None)

    @property
    def dimension(self) -> int | None:
        """The number of features where the section says it."""
        spreads = () if self.covariance_type == "spherical" else (self.covariances_init, self.precisions_init)
        said = [_shape(given)[-1] for given in (self.means_init, *spreads) if given is not None]
        said += [len(self.background.low)] if self.background else []
        return self.n_features or next((length for length in said if isinstance(length, int)), None)

    def contradictions(self) -> Iterator[str]:
        """A range is one, and what is given to start from is a model of this shape."""
        if self.n_components_min > self.n_components_max:
            yield (
                f"model.n_components_min: {self.n_components_min} is above model.n_components_max "
                f"({self.n_components_max})"
            )
        if self.covariances_init is not None and self.precisions_init is not None:
            yield "model.precisions_init: given beside model.covariances_init; give one of the two"
        if self.background is not None and self.dimension not in (None, len(self.background.low)):
            yield f"model.background: has {len(self.background.low)} numbers for {self.dimension} features"
        yield from self._given()

    def _given(self) -> Iterator[str]:
        k, d = self.n_components, self.dimension
        spread = {"full": (k, d, d), "tied": (d, d), "diag": (k, d), "spherical": (k,)}[self.covariance_type]
        shapes = {"weights": (k,), "means": (k, d), "covariances": spread, "precisions": spread}
        for name, wanted in shapes.items():
            given = getattr(self, f"{name}_init")
            if given is not None and k == "auto":
                yield f"model.{name}_init: needs a number of components, but model.n_components is auto"
            elif given is not None and not _fits(_shape(given), wanted):
                yield f"model.{name}_init: is {_words(_shape(given))}; it must be {_words(wanted)}"


def _shape(nested: object) -> tuple[object, ...]:
    """Of lists in lists; `ragged` in the place of a length that differs."""
    if not isinstance(nested, list):
        return ()
    inner = {_shape(item) for item in nested}
    return (len(nested), *(inner.pop() if len(inner) == 1 else ("ragged",)))


def _fits(shape: tuple[object, ...], wanted: tuple[object, ...]) -> bool:
    """Whether they are the same; a length that is not known (None) fits any."""
    same = len(shape) == len(wanted) and "ragged" not in shape
    return same and all(w in (None, s) for s, w in zip(shape, wanted, strict=True))


def _words(shape: tuple[object, ...]) -> str:
    """`4 x 2`; D for a length that is not known."""
    return " x ".join("D" if length is None else str(length) for length in shape)
