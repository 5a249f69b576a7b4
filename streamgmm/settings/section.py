"""A section of the settings, and what a setting may be: names, addresses, durations."""

import re
from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_HOST = r"(\[[0-9a-fA-F:]+\]|[^\s,/:@\[\]]+):[0-9]{1,5}"
URL = rf"^(kafka://{_HOST}(,{_HOST})*|sqlite:///.+)$"
NAME = r"^[a-zA-Z0-9._-]+$"
NAME_OR_EMPTY = r"^[a-zA-Z0-9._-]*$"
NO_TOPICS = (".", "..")  # names that Kafka refuses


def seconds(value: object) -> object:
    """`100 ms`, `10 s`, `5 min`, `2 h`, `7 d`, or a number of seconds; anything else as it is."""
    if isinstance(value, str) and (match := re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-z]*)\s*", value)):
        number, unit = match.groups()
        if (unit or "s") in _UNITS:
            return float(number) * _UNITS[unit or "s"]
    return value


Seconds = Annotated[float, BeforeValidator(seconds, json_schema_input_type=float | str)]


def is_topic_name(name: str) -> bool:
    """Whether Kafka takes it as the name of a topic."""
    return re.fullmatch(NAME, name) is not None and len(name) <= 249 and name not in NO_TOPICS


class Section(BaseModel):
    """A group of settings. `contradictions` says what does not fit together, one sentence each."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    def contradictions(self) -> Iterator[str]:
        """What is wrong between settings that are right by themselves; each sentence begins with a key."""
        yield from ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if found := list(self.contradictions()):
            raise ValueError("\n".join(found))
        return self
