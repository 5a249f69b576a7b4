"""What is wrong with given settings, in words: key, what is allowed, what was given, where, the nearest spelling.

pydantic names a problem by its place in the validation, with the branches of unions in it; here a place becomes the
key that the user wrote, the branches of one union become one line, and the allowed values come from `table`.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from streamgmm.settings import Section, Settings
from streamgmm.settings.table import leaves, row, section_of

KeyPath = tuple[str, ...]
Origins = Mapping[KeyPath, str]


class Place(NamedTuple):
    """Where a problem is: the key's path, its declaration (None: a section), and the section that it lies in."""

    path: KeyPath
    field: FieldInfo | None
    section: type[Section]

    @property
    def key(self) -> str:
        """As the user writes it: `input.features[1].transform`."""
        return ".".join(self.path).replace(".[", "[")


def problems(error: ValidationError, root: type[Section], prefix: KeyPath, origins: Origins) -> list[str]:
    """One line a problem, in the order of the settings; `prefix` is the path of `root`."""
    found = [(_place(root, prefix, detail), detail) for detail in error.errors()]
    paths = {place.path for place, _ in found}
    lines: dict[KeyPath, list[str]] = {}
    for place, detail in found:
        outer = any(len(path) > len(place.path) and path[: len(place.path)] == place.path for path in paths)
        if not outer and place.path not in lines:  # the other branches of a union say less
            lines[place.path] = list(_lines(place, detail, origins))
    return [line for group in lines.values() for line in group]


def origin(path: KeyPath, origins: Origins) -> str | None:
    """Where a key, or the section that holds it, was given; None where it was not."""
    return next((origins[path[:n]] for n in range(len(path), 0, -1) if path[:n] in origins), None)


def nearest(key: str, siblings: Sequence[str]) -> str | None:
    """The setting that was most likely meant: the same name elsewhere, a like name beside it, a like key."""
    parent, _, name = key.rpartition(".")
    keys = [known for known, _ in leaves(Settings)]
    same = [known for known in keys if known.rpartition(".")[2] == name]
    beside = [f"{parent}.{sibling}".lstrip(".") for sibling in siblings]
    for candidates, likeness in ((same, 0.0), (beside, 0.6), (keys, 0.6)):
        if found := difflib.get_close_matches(key, candidates, 1, likeness):
            return found[0]
    return None


def _place(root: type[Section], prefix: KeyPath, detail: ErrorDetails) -> Place:
    loc = detail["loc"]
    place, inner = Place(prefix, None, root), root
    for i, part in enumerate(loc):
        unknown = detail["type"] in ("extra_forbidden", "invalid_key") and i == len(loc) - 1
        if isinstance(part, int) and not unknown:
            place = place._replace(path=(*place.path, f"[{part}]"))
        elif part in inner.model_fields and not unknown:
            field = inner.model_fields[str(part)]
            place = Place((*place.path, str(part)), field, inner)
            inner = _section_within(field.annotation) or inner
        elif unknown:
            return Place((*place.path, str(part)), None, inner)
    return place


def _section_within(kind: object) -> type[Section] | None:
    """The section in an annotation such as `str | list[Feature]`."""
    if isinstance(kind, type) and issubclass(kind, Section):
        return kind
    return next(filter(None, map(_section_within, get_args(kind))), None)


def _lines(place: Place, detail: ErrorDetails, origins: Origins) -> Iterator[str]:
    where = f" ({found})" if (found := origin(place.path, origins)) else ""
    match detail["type"]:
        case "value_error":
            yield from (f"{line}{_origin_of(line, origins)}" for line in str(detail["ctx"]["error"]).splitlines())
        case "missing":
            yield f"{place.key}: required but not given{_help(place.field)}"
        case "extra_forbidden" | "invalid_key":
            yield f"{place.key}: unknown setting{where}; {_hint(place)}"
        case _ if place.field is None or section_of(place.field):
            yield f"{place.key or 'the settings'}: must be a section (a map of settings){where}"
        case _:
            yield f"{place.key}: {_given(place, detail['input'])}{where}; allowed: {_allowed(place.field)}"


def _origin_of(line: str, origins: Origins) -> str:
    found = origin(tuple(line.partition(":")[0].split(".")), origins)
    return f" ({found})" if found else ""


def _help(field: FieldInfo | None) -> str:
    return f": {field.description}" if field is not None and field.description else ""


def _hint(place: Place) -> str:
    names = list(place.section.model_fields)
    likely = nearest(place.key, names)
    parent = place.key.rpartition(".")[0]
    return f"did you mean {likely}?" if likely else f"{parent or 'the sections'}: {', '.join(names)}"


def _allowed(field: FieldInfo) -> str:
    words = row("", field)
    return f"{words.type}, {words.bounds}" if words.bounds else words.type


def _given(place: Place, value: object) -> str:
    """What was given, short; never anything that may be a secret."""
    if place.path[:2] == ("broker", "security"):
        return "not allowed"
    text = re.sub(r"//[^/@\s]*@", "//***@", json.dumps(value, default=str, ensure_ascii=False))
    return f"given {text if len(text) <= 80 else text[:77] + '...'}"
