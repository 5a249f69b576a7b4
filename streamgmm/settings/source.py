"""Where settings come from: one YAML file, environment variables over it, `--set key=value` over both.

Every source becomes a tree of values and the origin of each; the trees are laid over each other, validated as a whole
by `Settings`, and every problem is reported at once: key, what is allowed, what was given, where, and the nearest
spelling. pydantic-settings does the laying over in as many lines, but knows neither origins nor duplicate keys.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import SecretStr, ValidationError

from streamgmm.errors import SettingsError
from streamgmm.settings import Broker, Section, Settings
from streamgmm.settings.problems import KeyPath, problems
from streamgmm.settings.table import leaves

PREFIX = "STREAMGMM_"
_S = TypeVar("_S", bound=Section)
_LEAVES = dict(leaves(Settings))
_SECRETS = [tuple(key.split(".")) for key, field in _LEAVES.items() if field.annotation is SecretStr]
_SECTIONS = {tuple(key.split(".")[:n]) for key in _LEAVES for n in range(1, key.count(".") + 1)}


class Given(NamedTuple):
    """Values as a nested map, where each path in it comes from, and what is wrong with the source itself."""

    values: dict[str, Any]
    origins: dict[KeyPath, str]
    problems: tuple[str, ...] = ()


class Loaded(NamedTuple):
    """Valid settings, and where those that were given come from (`settings.yaml, line 3`)."""

    settings: Settings
    origins: Mapping[KeyPath, str]


def load(file: Path | None, overrides: Iterable[str], environment: Mapping[str, str]) -> Settings:
    """The settings of a file (None: no file), an environment and `key=value` overrides.

    Raises SettingsError with every problem found, one a line.
    """
    return read(file, overrides, environment).settings


def read(file: Path | None, overrides: Iterable[str], environment: Mapping[str, str]) -> Loaded:
    """As `load`, with the origins."""
    given = _given(file, overrides, environment)
    values = {name: {} for name in _TOP} | given.values  # so that input.topic is missing, not the section input
    return Loaded(_validated(Settings, values, given, ()), given.origins)


def load_broker(file: Path | None, overrides: Iterable[str], environment: Mapping[str, str]) -> Broker:
    """The section `broker` alone: for what reads or fills a topic and knows no model."""
    given = _given(file, overrides, environment)
    return _validated(Broker, given.values.get("broker", {}), given, ("broker",))


def _given(file: Path | None, overrides: Iterable[str], environment: Mapping[str, str]) -> Given:
    sources = [_from_file(file)] if file is not None else []
    return _laid_over([*sources, _from_environment(environment), _from_overrides(overrides)])


def _validated(section: type[_S], values: object, given: Given, path: KeyPath) -> _S:
    found = list(given.problems)
    try:
        settings = section.model_validate(values)
    except ValidationError as error:
        found += problems(error, section, path, given.origins)
    if found:
        head = f"{len(found)} problems in the settings:\n  " if len(found) > 1 else ""
        raise SettingsError(head + "\n  ".join(found))
    return settings


def _laid_over(sources: Iterable[Given]) -> Given:
    values: dict[str, Any] = {}
    origins: dict[KeyPath, str] = {}
    found: list[str] = []
    for source in sources:
        values = _merged(values, source.values)
        origins = {path: where for path, where in origins.items() if not _replaced(path, source)} | source.origins
        found += source.problems
    return Given(values, origins, tuple(found))


def _replaced(path: KeyPath, by: Given) -> bool:
    above = (path[:n] for n in range(1, len(path)))
    return any(part in by.origins and part not in _SECTIONS for part in above)


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {key: _merged(under[key], over[key]) for key in under if _is_map(under[key]) and _is_map(over.get(key))}
    return {**under, **over, **both}


def _is_map(value: object) -> bool:
    return isinstance(value, dict)


# ---- the file


def _from_file(file: Path) -> Given:
    """The YAML file's settings. Raises SettingsError where it cannot be read or is not YAML."""
    try:
        text = file.read_text("utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as error:
        raise SettingsError(f"{file}: cannot read the settings file: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: the settings file is not UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{_yaml_place(file, error)}: not YAML: {getattr(error, 'problem', error)}") from error
    if values is not None and not isinstance(values, dict):
        raise SettingsError(f"{file}: must be a map of sections (input:, model:, ...), not a {type(values).__name__}")
    places = list(_places(tree, ()))
    origins = {path: f"{file}, line {line}" for path, line in places}
    kept, refused = _without_secrets(_without_empty(values or {}, ()), str(file))
    return Given(kept, origins, (*_duplicates(file, places), *refused))


def _yaml_place(file: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{file}, line {mark.line + 1}, column {mark.column + 1}" if mark is not None else str(file)


def _places(node: yaml.Node | None, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    """Every key's path and line, in the order of the file; a key given twice comes twice."""
    if isinstance(node, yaml.MappingNode) and len(path) < 8:  # deeper than any setting: an alias to itself
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield inner, key.start_mark.line + 1
            yield from _places(value, inner)
    elif isinstance(node, yaml.SequenceNode) and len(path) < 8:
        for i, item in enumerate(node.value):
            yield from _places(item, (*path, f"[{i}]"))


def _duplicates(file: Path, places: Iterable[tuple[KeyPath, int]]) -> Iterator[str]:
    first: dict[KeyPath, int] = {}
    for path, line in places:
        if path in first:
            key = ".".join(path).replace(".[", "[")
            yield f"{key}: given twice ({file}, line {first[path]} and line {line})"
        first.setdefault(path, line)


def _without_empty(values: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """A section whose settings are all commented out is null in YAML: the same as one that is not there."""
    kept = {}
    for key, value in values.items():
        inner = (*path, key)
        if value is not None or inner not in _SECTIONS:
            kept[key] = _without_empty(value, inner) if isinstance(value, dict) else value
    return kept


def _without_secrets(values: dict[str, Any], source: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values without passwords and tokens, and what to say where there was one: others can read files."""
    problems = []
    for path in _SECRETS:
        if _held(values, path):
            key = ".".join(path)
            values = _without(values, path)
            problems.append(
                f"{key}: not taken from {source}, where others can read it; set the environment variable "
                f"{PREFIX}{key.replace('.', '__').upper()} or {key}_file"
            )
    return values, tuple(problems)


def _held(values: object, path: KeyPath) -> object:
    for part in path:
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _without(values: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    first, *inner = path
    if not inner:
        return {key: value for key, value in values.items() if key != first}
    return {**values, first: _without(values[first], tuple(inner))}


# ---- environment and command line


def _from_environment(environment: Mapping[str, str]) -> Given:
    """`STREAMGMM_MODEL__N_COMPONENTS=8`: every variable with two underscores in a row is a setting."""
    found = [(name, text) for name, text in sorted(environment.items()) if name.startswith(PREFIX)]
    variables = [(name, text) for name, text in found if "__" in name or name.removeprefix(PREFIX).lower() in _TOP]
    parts = [
        _one(tuple(name.removeprefix(PREFIX).lower().split("__")), text, f"environment variable {name}")
        for name, text in variables
    ]
    wrong = tuple(f"environment variable {n}: is no setting; did you mean {_NEAR[n]}?" for n, _ in found if n in _NEAR)
    return _laid_over([*parts, Given({}, {}, wrong)])


_TOP = {path[0] for path in _SECTIONS}
_VARIABLES = {key: PREFIX + key.replace(".", "__").upper() for key in _LEAVES}
_NEAR = {name.replace("__", "_"): name for name in _VARIABLES.values()}  # one underscore where two are needed


def _from_overrides(overrides: Iterable[str]) -> Given:
    """`--set model.n_components=8`; the last of two for one key wins."""
    parts = []
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            parts.append(Given({}, {}, (f"--set {override}: takes key=value, as in --set model.n_components=8",)))
            continue
        part = _one(tuple(key.strip().split(".")), text, f"--set {key.strip()}")
        kept, refused = _without_secrets(part.values, "--set")
        parts.append(Given(kept, part.origins, refused))
    return _laid_over(parts)


def _one(path: KeyPath, text: str, where: str) -> Given:
    """One setting, or one section as YAML, at its path."""
    value = _value(".".join(path), text)
    unknown = {path[:n]: where for n in range(1, len(path)) if path[:n] not in _SECTIONS}
    origins = unknown | {path: where} | {(*path, *inner): where for inner in _inner_paths(value)}
    for part in reversed(path):
        value = {part: value}
    return Given(value, origins)


def _value(key: str, text: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    """The text as YAML; for a text setting the text itself, so that a topic may be called 2024 or null."""
    kind = _LEAVES[key].annotation if key in _LEAVES else None
    if kind is SecretStr:
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    nullable = kind is not str and value is None and text
    return text if kind in (str, str | None) and not isinstance(value, (str, dict, list)) and not nullable else value


def _inner_paths(value: object) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (str(key),)
            yield from ((str(key), *path) for path in _inner_paths(inner))
