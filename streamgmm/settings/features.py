"""The features of a vector: one field that holds an array, or a field of its own for each."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from streamgmm.settings.section import Section

Transform = Literal["identity", "sqrt", "log", "log1p", "logit"]


def features(value: object) -> object:
    """A name in a list of features is short for `{name: ...}`."""
    if isinstance(value, list):
        return [{"name": item} if isinstance(item, str) else item for item in value]
    return value


class Standardise(Section):
    """(value - mean) / scale."""

    mean: float = Field(description="what is subtracted, in the feature's unit")
    scale: float = Field(gt=0, description="what is divided by, in the feature's unit")


class Feature(Section):
    """One named number of a record, and what is done to it before it is learnt."""

    name: str = Field(min_length=1, description="the field's name in the record")
    transform: Transform | Standardise = Field(
        "identity",
        description="applied to the number (or `{mean, scale}`); outside its domain the record is rejected",
    )
    unit: str = Field("", description="shown beside the feature's values")


Features = Annotated[
    Annotated[str, Field(min_length=1)] | Annotated[list[Feature], Field(min_length=1)],
    BeforeValidator(features, json_schema_input_type=str | list[str | Feature]),
]
