"""The settings as a table of words, walked from the sections: for error messages, documents and the commented YAML.

A row's texts are what a person reads: a type such as `duration`, bounds such as `>= 1, <= 300`, a default as YAML has
it. Nothing here is written down a second time.
"""

import json
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BeforeValidator, ByteSize, SecretStr
from pydantic.fields import FieldInfo

from streamgmm.settings.section import NAME, NAME_OR_EMPTY, URL, Section, seconds
from streamgmm.settings.settings import Settings

REQUIRED = "required"
_WORDS = {
    type(None): "null",
    int: "integer",
    float: "number",
    bool: "true or false",
    str: "text",
    SecretStr: "text",
    ByteSize: "size",
}
_BOUNDS = {"ge": ">= ", "gt": "> ", "le": "<= ", "lt": "< ", "max_length": "length <= "}
_PATTERNS = {
    NAME: "letters, digits and . _ -",
    NAME_OR_EMPTY: "letters, digits and . _ -",
}
_KINDS = {URL: "kafka://host:port,... or sqlite:///path"}  # patterns that say all there is to say of a text
_EXAMPLES = {"input.topic": "players", "model.n_components": "4"}  # what the commented YAML says for what is required


class Row(NamedTuple):
    """One setting in words. `default` is YAML, or `required`."""

    key: str
    type: str
    default: str
    bounds: str
    help: str


def table(settings: type[Section] = Settings) -> tuple[Row, ...]:
    """A row for every setting, in the order of `Settings`."""
    return tuple(row(key, field) for key, field in leaves(settings))


def leaves(section: type[Section], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting that is not itself a section, by its dotted key."""
    for name, field in section.model_fields.items():
        inner = section_of(field)
        if inner is None:
            yield prefix + name, field
        else:
            yield from leaves(inner, f"{prefix}{name}.")


def section_of(field: FieldInfo) -> type[Section] | None:
    """The section that a field holds, or None for a setting."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def row(key: str, field: FieldInfo) -> Row:
    """One setting in words."""
    default = REQUIRED if field.is_required() else written(field, field.default)
    return Row(key, _type(field.annotation, field.metadata), default, bounds(field), field.description or "")


def bounds(field: FieldInfo) -> str:
    """The bounds, those of a union's parts included: `>= 1, <= 300`; empty where there are none."""
    shown = duration if _type(field.annotation, field.metadata).startswith("duration") else str
    found = [text for item in _metadata(field) for text in _bound(item, shown)]
    return ", ".join(dict.fromkeys(found))


def commented_yaml() -> str:
    """Every setting at its default with its help as a comment; loads as it is."""
    head = """\
    # Every setting of streamgmm at its default (input.topic and model.n_components have none and are examples).
    # Written by `streamgmm settings schema --yaml`. A setting can also be given by the environment, as in
    # STREAMGMM_MODEL__N_COMPONENTS=8, and on the command line, as in --set model.n_components=8; the command line
    # wins over the environment, and the environment over this file. Durations: 100 ms, 10 s, 5 min, 2 h, 7 d.
    """
    return textwrap.dedent(head) + "".join(_section_lines(Settings, "", 0))


def _section_lines(section: type[Section], prefix: str, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, field in section.model_fields.items():
        key, inner = prefix + name, section_of(field)
        if inner is not None:
            yield f"\n{indent}{name}:  # {field.description}\n"
            yield from _section_lines(inner, f"{key}.", depth + 1)
        else:
            yield from _setting_lines(row(key, field), name, indent, secret=field.annotation is SecretStr)


def _setting_lines(setting: Row, name: str, indent: str, *, secret: bool) -> Iterator[str]:
    allowed = f"{setting.type}{', ' if setting.bounds else ''}{setting.bounds}"
    text = f"{setting.help} ({allowed})"
    for line in textwrap.wrap(text, 118 - len(indent), break_long_words=False, break_on_hyphens=False):
        yield f"{indent}# {line}\n"
    value = _EXAMPLES.get(setting.key, setting.default)
    yield f"{indent}{'# ' if secret else ''}{name}: {value}\n"


def _type(kind: Any, metadata: list[Any]) -> str:  # noqa: ANN401 - a type's annotation has no type
    if any(isinstance(item, BeforeValidator) and item.func is seconds for item in metadata):
        return "duration" + (" or null" if type(None) in get_args(kind) else "")
    for pattern in (getattr(item, "pattern", None) for item in metadata):
        if pattern in _KINDS:
            return _KINDS[pattern]
    parts = get_args(kind)
    words = {
        Annotated: lambda: _type(parts[0], list(parts[1:])),
        Literal: lambda: ", ".join(map(str, parts)),
        Union: lambda: " or ".join(_type(part, []) for part in parts),
        types.UnionType: lambda: " or ".join(_type(part, []) for part in parts),
        list: lambda: f"list of {_type(parts[0], [])}",
        tuple: lambda: f"list of {_type(parts[0], [])}",
    }.get(get_origin(kind))
    return words() if words is not None else _plain(kind)


def _plain(kind: type) -> str:
    return "{" + ", ".join(kind.model_fields) + "}" if issubclass(kind, Section) else _WORDS[kind]


def _metadata(field: FieldInfo) -> Iterator[Any]:
    yield from field.metadata
    for part in get_args(field.annotation):
        for item in getattr(part, "__metadata__", ()):
            yield from item.metadata if isinstance(item, FieldInfo) else (item,)


def _bound(item: object, shown: Callable[[Any], str]) -> Iterator[str]:
    for name, words in _BOUNDS.items():
        if (value := getattr(item, name, None)) is not None:
            yield f"{words}{shown(value)}"
    if getattr(item, "min_length", None):
        yield "not empty"
    if (pattern := getattr(item, "pattern", None)) not in {None, *_KINDS}:
        yield _PATTERNS[str(pattern)]


def written(field: FieldInfo, value: object) -> str:
    """A setting's value as YAML on one line; a secret is masked."""
    if isinstance(value, SecretStr):
        return '"********"' if value.get_secret_value() else '""'
    if isinstance(value, ByteSize):
        return value.human_readable(separator=" ").replace(".0 ", " ")
    if isinstance(value, float) and "duration" in _type(field.annotation, field.metadata):
        return duration(value)
    if isinstance(value, float):
        return f"{value:.12f}".rstrip("0").rstrip(".")
    if isinstance(value, str) and value.replace("_", "").isalnum():
        return value
    return json.dumps(value, default=_dumped, ensure_ascii=False)


def _dumped(value: object) -> object:
    return value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, Section) else str(value)


def duration(value: float) -> str:
    """Seconds as the settings write them: `100 ms`, `10 s`."""
    return f"{value * 1000:g} ms" if 0 < value < 1 else f"{value:g} s"
