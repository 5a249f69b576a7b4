"""What is read."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from streamgmm.settings.features import Features
from streamgmm.settings.section import NAME, NO_TOPICS, Section


class Input(Section):
    """What is read."""

    topic: str = Field(min_length=1, max_length=249, pattern=NAME, description="the topic that the vectors are in")
    format: Literal["msgpack", "json", "float32", "float64"] = Field(
        "msgpack", description="how a value is encoded; float32 and float64 are raw little-endian rows"
    )
    features: Features = Field(
        "features",
        description="the field that holds the array; or a list of the fields that hold one number each, as a name or "
        "as `{name, transform, unit}` with the transform identity, sqrt, log, log1p, logit or `{mean, scale}`",
    )
    weight: str | None = Field(
        None, min_length=1, description="the field that holds a vector's weight; null: every vector weighs 1"
    )
    event_time: str | None = Field(
        None,
        min_length=1,
        description="the field that holds a record's event time: a number, or ISO 8601 text; null: its timestamp. Only "
        "a half-life in seconds looks at it",
    )
    event_time_unit: Literal["s", "ms"] = Field(
        "s", description="what a number in input.event_time counts, since the epoch"
    )
    start: Literal["earliest", "latest"] | Annotated[int, Field(ge=0)] = Field(
        "earliest", description="where the first run starts: earliest, latest, or milliseconds since the epoch"
    )
    on_corrupt: Literal["stop", "skip"] = Field(
        "stop",
        description="a damaged record batch: stop with exit code 6, or leave it out (an event says which offsets)",
    )
    check_crcs: bool = Field(
        True, description="check every record batch against its checksum before it is read; a wrong one is damage"
    )
    on_lost_records: Literal["stop", "skip"] = Field(
        "stop",
        description="input deleted before it was learnt: stop with exit code 5, or go on without it (an event says "
        "which offsets)",
    )

    def contradictions(self) -> Iterator[str]:
        """A name that Kafka refuses; raw rows have no fields; a feature is named once."""
        if self.topic in NO_TOPICS:
            yield f"input.topic: Kafka takes no topic named {self.topic}"
        if self.format in ("float32", "float64"):
            if isinstance(self.features, list):
                yield f"input.features: {self.format} rows have no named fields; name the array or use msgpack or json"
            if self.weight is not None:
                yield f"input.weight: {self.format} rows have no fields; null, or use msgpack or json"
            if self.event_time is not None:
                yield f"input.event_time: {self.format} rows have no fields; null, or use msgpack or json"
        if isinstance(self.features, list):
            names = [feature.name for feature in self.features]
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield f"input.features: {name} is named {names.count(name)} times; a feature is named once"
