"""`streamgmm settings`: the values in effect with their origins, and the JSON Schema."""

import json
from collections.abc import Iterator
from functools import reduce

from streamgmm.settings import Settings
from streamgmm.settings.problems import origin
from streamgmm.settings.source import Loaded
from streamgmm.settings.table import leaves, written


def show(loaded: Loaded) -> Iterator[str]:
    """A line a setting: key, value as YAML (secrets masked), and where it comes from."""
    rows = [(key, written(field, reduce(getattr, key.split("."), loaded.settings))) for key, field in leaves(Settings)]
    keys, values = (max(len(text) for text in column) for column in zip(*rows, strict=True))
    for key, value in rows:
        yield f"{key:<{keys}}  {value:<{min(values, 40)}}  {_origin(key, loaded)}"


def _origin(key: str, loaded: Loaded) -> str:
    """A key that YAML has merged in from an alias has no place of its own: then its section's counts."""
    *sections, name = key.split(".")
    if name not in reduce(getattr, sections, loaded.settings).model_fields_set:
        return "default"
    return origin((*sections, name), loaded.origins) or "default"


def schema() -> str:
    """The JSON Schema of a settings file, for editors and other programs."""
    return json.dumps(
        {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Settings.model_json_schema(), indent=2
    )
