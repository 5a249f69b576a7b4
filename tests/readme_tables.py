"""The README's tables as the code says them. `python -m tests.readme_tables` writes the generated ones anew.

A generated table stands in the README between `<!-- table: name -->` and `<!-- end -->`. The others (the checkpoint,
events, exit codes) are written by hand, because only a person knows what a field means; here is what they must name.
"""

import ast
import json
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import numpy as np
import typer
import yaml

from streamgmm import errors
from streamgmm.cli import app
from streamgmm.engine.assign import TOO_LARGE
from streamgmm.records.decoded import REASONS
from streamgmm.service.checkpoint import Checkpoint
from streamgmm.service.metrics_table import METRICS
from streamgmm.settings.table import REQUIRED
from streamgmm.settings.table import table as settings_table

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
COMMON_FIELDS = frozenset({"schema", "type", "model", "time"})  # of every event
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_WORDS = {str: "text", int: "integer", float: "number", bool: "true or false"}


class Option(NamedTuple):
    """An option of a command as a person reads it."""

    command: str
    shown: str
    help: str


# ---- generated


def settings() -> Iterator[tuple[str, ...]]:
    yield "setting", "allowed", "default", "what it does"
    for row in settings_table():
        allowed = ", ".join(part for part in (row.type, row.bounds) if part)
        yield f"`{row.key}`", allowed, row.default if row.default == REQUIRED else f"`{row.default}`", row.help


def metrics() -> Iterator[tuple[str, ...]]:
    yield "metric", "type", "labels besides `model`", "what it says"
    for metric in METRICS:
        yield f"`{metric.name}`", metric.type, ", ".join(f"`{label}`" for label in metric.labels), metric.help


def stream_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("stream")


def page_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("page")


def latency_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("latency")


def formats_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("formats", digits=4)


def engine_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("engine")


def replay_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("replay")


def growth_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("growth")


def accuracy_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("accuracy", digits=5)


def drift_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("drift")


def kernel_benchmark() -> Iterator[tuple[str, ...]]:
    yield from _benchmark("kernel")


def _benchmark(name: str, digits: int = 3) -> Iterator[tuple[str, ...]]:
    """What a benchmark wrote last; only the head where it has not run yet."""
    yield "case", "metric", "measured", "unit", "peer", "the peer's", "target", "met"
    file = ROOT / f"benchmarks/results/{name}.json"
    for row in json.loads(file.read_text("utf-8")) if file.exists() else []:
        met = {True: "yes", False: "no", None: ""}[row["met"]]
        numbers = [_figure(row[key], digits) for key in ("ours", "peer_value", "target")]
        yield row["case"], row["metric"], numbers[0], row["unit"], row["peer"] or "", numbers[1], numbers[2], met


def _figure(value: float | None, digits: int) -> str:
    if value is None:
        return ""
    return f"{value:,.{digits}g}" if value < 1000 else f"{value:,.0f}"


def alerts() -> Iterator[tuple[str, ...]]:
    yield "alert", "severity", "rises when"
    rules = yaml.safe_load((ROOT / "config/prometheus/streamgmm.rules.yml").read_text("utf-8"))["groups"][0]["rules"]
    for rule in (rule for rule in rules if "alert" in rule):
        name, waits = rule["alert"], f", for {rule['for']}" if "for" in rule else ""
        link = f"[{name}](docs/runbook.md#{name.lower()})"
        yield link, rule["labels"]["severity"], f"`{rule['expr']}`{waits}"


def reasons() -> Iterator[tuple[str, ...]]:
    yield "reason", "when"
    for reason, help_text in REASONS.items():
        yield f"`{reason}`", help_text
    yield f"`{TOO_LARGE}`", "The assignment of the record would be larger than the output topic takes."


def commands() -> Iterator[tuple[str, ...]]:
    yield "command", "what it does", "options"
    found = list(options())
    for name, command in _commands():
        shown = (f"`{option.shown}`" for option in found if option.command == name)
        yield f"`streamgmm {name}`", _first_sentence(command.help), ", ".join(shown)


def option_helps() -> Iterator[tuple[str, ...]]:
    yield "option", "of", "what it does"
    of: dict[tuple[str, str], list[str]] = {}
    for option in options():
        of.setdefault((option.shown, option.help), []).append(option.command)
    for (shown, help_text), names in of.items():
        yield f"`{shown}`", ", ".join(names), help_text


def options() -> Iterator[Option]:
    """Every option and argument of every command, but `--help`."""
    for name, command in _commands():
        for parameter in command.params:
            if parameter.name != "help":
                yield Option(name, _shown(parameter), parameter.help or "")


def _commands() -> Iterator[tuple[str, Any]]:
    def walk(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(command, f"{prefix}{name} ")
            else:
                yield prefix + name, command

    yield from walk(typer.main.get_command(app), "")


def _shown(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper()
    value = "" if parameter.is_flag else f" {parameter.metavar or _values(parameter)}"
    return f"{parameter.opts[0]}{value}"


def _values(parameter: Any) -> str:
    return "|".join(get_args(parameter.type_descriptor.annotation)) or "N"


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())


GENERATED: Mapping[str, Callable[[], Iterable[tuple[str, ...]]]] = {
    "settings": settings,
    "metrics": metrics,
    "alerts": alerts,
    "reasons": reasons,
    "stream_benchmark": stream_benchmark,
    "replay_benchmark": replay_benchmark,
    "page_benchmark": page_benchmark,
    "latency_benchmark": latency_benchmark,
    "formats_benchmark": formats_benchmark,
    "engine_benchmark": engine_benchmark,
    "growth_benchmark": growth_benchmark,
    "accuracy_benchmark": accuracy_benchmark,
    "kernel_benchmark": kernel_benchmark,
    "drift_benchmark": drift_benchmark,
    "commands": commands,
    "options": option_helps,
}


def markdown(rows: Iterable[tuple[str, ...]]) -> str:
    """The first row is the head."""
    head, *body = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    rule = " | ".join("---" for _ in head.split(" | "))
    return "".join(f"| {line} |\n" for line in (head, rule, *body))


def refreshed(text: str) -> str:
    """The README with its generated tables as the code says them now."""
    return _TABLE.sub(lambda found: found[1] + markdown(GENERATED[found[2]]()) + found[3], text)


# ---- what tables written by hand must name


def checkpoint_fields() -> dict[str, str]:
    """Every field of the checkpoint's document by its path, `[]` for each of a list, with its type."""
    return dict(_fields(Checkpoint, ""))


def _fields(kind: Any, prefix: str) -> Iterator[tuple[str, str]]:
    for name, hint in get_type_hints(kind).items():
        optional, inner = _without_none(hint)
        path = f"{prefix}{name}"
        if hasattr(inner, "_fields"):
            yield from ([(path, "map or null")] if optional else [])
            yield from _fields(inner, f"{path}.")
        elif get_origin(inner) is tuple and hasattr(get_args(inner)[0], "_fields"):
            yield from _fields(get_args(inner)[0], f"{path}[].")
        else:
            yield path, _word(inner) + (" or null" if optional else "")


def _without_none(hint: Any) -> tuple[bool, Any]:
    if get_origin(hint) not in (Union, types.UnionType):
        return False, hint
    (inner,) = (part for part in get_args(hint) if part is not type(None))
    return True, inner


def _word(hint: Any) -> str:
    origin = get_origin(hint)
    if origin is np.ndarray:
        return "array"
    if origin is tuple:
        return "list"
    if origin is Literal:
        return "text"
    return _WORDS.get(hint, "map")


def event_fields() -> dict[str, frozenset[str]]:
    """Every type of event that the program makes, with its fields besides those that all have."""
    found: dict[str, frozenset[str]] = {}
    for path in sorted((ROOT / "streamgmm").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Event" and len(node.args) == 2:
                fields = frozenset(_keys(node.args[1], tree)) - COMMON_FIELDS
                kinds = [part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                found |= {str(kind): found.get(str(kind), frozenset()) | fields for kind in kinds}
    return found


def _keys(node: ast.expr, tree: ast.Module) -> Iterator[str]:
    if isinstance(node, ast.Dict):
        yield from (str(key.value) for key in node.keys if isinstance(key, ast.Constant))
    elif isinstance(node, ast.Name):
        for statement in ast.walk(tree):
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            if any(isinstance(target, ast.Name) and target.id == node.id for target in targets):
                yield from _keys(statement.value, tree)  # type: ignore[attr-defined]


def exit_codes() -> frozenset[int]:
    """Every code that the program can end with."""
    kinds = (kind for kind in vars(errors).values() if isinstance(kind, type))
    return frozenset({0, *(kind.exit_code for kind in kinds if issubclass(kind, errors.StreamgmmError))})


if __name__ == "__main__":
    README.write_text(refreshed(README.read_text("utf-8")), "utf-8")
