"""Events held against the schema that ships with the package."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema

from streamgmm.service import outbox

SCHEMA = json.loads((Path(outbox.__file__).parent / "events.schema.json").read_text("utf-8"))
TYPES = [part["$ref"].rsplit("/", 1)[1] for part in SCHEMA["oneOf"]]
_OF = {name: jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}) for name in TYPES}


def check(event: Mapping[str, Any]) -> None:
    """Raise ValidationError for an event, as read from its topic, that is not as the schema says."""
    assert event["type"] in _OF, f"the schema has no {event['type']}"
    _OF[event["type"]].validate(event)


def checked_send(send: Any) -> Any:
    """`outbox.events_send` that refuses what the schema does not allow."""

    def checking(*arguments: Any) -> Any:
        for one in (sent := list(send(*arguments))):
            for record in outbox.columns.records_of(one.columns):
                check(json.loads(record.value))
        return iter(sent)

    return checking
