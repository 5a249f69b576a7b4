"""`streamgmm settings`: the values in effect with their origins, and the JSON Schema."""

import json
from collections.abc import Iterator
from functools import reduce

from streamgmm.settings import Settings
from streamgmm.settings_problems import origin
from streamgmm.settings_source import Loaded
from streamgmm.settings_table import leaves, written


def show(loaded: Loaded) -> Iterator[str]:
    """A line a setting: key, value as YAML (secrets masked), and where it comes from."""
    rows = [(key, written(field, reduce(getattr, key.split("."), loaded.settings))) for key, field in leaves(Settings)]
    keys, values = (max(len(text) for text in column) for column in zip(*rows, strict=True))
    for key, value in rows:
        where = origin(tuple(key.split(".")), loaded.origins) or "default"
        yield f"{key:<{keys}}  {value:<{min(values, 40)}}  {where}"


def schema() -> str:
    """The JSON Schema of a settings file, for editors and other programs."""
    return json.dumps(
        {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Settings.model_json_schema(), indent=2
    )
