"""The command line: what can be asked for, in words; `streamgmm.commands` and `streamgmm.service` do it.

Commands import what they need when they are called, so that `--help` answers at once. Errors of `streamgmm.errors`
become one line and their exit code in `main`, and nowhere else; what was stopped as asked (Ctrl-C, a reader of the
output that went away) ends with 0.
"""

# ruff: noqa: PLC0415 - see above

import asyncio
import os
import sys
import traceback
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from streamgmm import __version__
from streamgmm.errors import AuditFailed, SettingsError, StreamgmmError

if TYPE_CHECKING:
    from streamgmm.settings import Broker, Settings

app = typer.Typer(
    help="Live, soft clustering of a stream: a Gaussian mixture kept up to date by online EM, exactly once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
model = typer.Typer(help="The model's life: look at it, start it anew.", no_args_is_help=True)
settings = typer.Typer(help="What can be set, what is set, and whether it is right.", no_args_is_help=True)
topics = typer.Typer(help="The topics beside the input.", no_args_is_help=True)
drift = typer.Typer(help="What has changed in the stream, and what it is held against.", no_args_is_help=True)
app.add_typer(model, name="model")
app.add_typer(drift, name="drift")
app.add_typer(settings, name="settings")
app.add_typer(topics, name="topics")

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Settings file (YAML); the environment and --set go over it."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="A setting, as in model.n_components=8; may be repeated."),
]
BrokerUrl = Annotated[
    str | None,
    typer.Option(
        "--broker",
        "-b",
        metavar="URL",
        help="kafka://host:port,host:port, or sqlite:///path for the embedded log; short for --set broker.url=URL.",
    ),
]
TopicName = Annotated[str, typer.Option("--topic", "-t", metavar="TOPIC", help="The topic's name.")]
UntilEnd = Annotated[bool, typer.Option("--until-end", help="Stop at what is there now.")]


def main(arguments: Sequence[str] | None = None) -> None:
    """The program: exits with the code that the README's table gives."""
    try:
        app(args=arguments, prog_name="streamgmm")
    except StreamgmmError as error:
        sys.stderr.write(f"streamgmm: error: {error}\n")
        sys.exit(error.exit_code)
    except Exception:
        traceback.print_exc()
        sys.stderr.write(
            "streamgmm: error: this is a fault of streamgmm, not yours. Please report it with the lines above; "
            "what was committed is safe, and starting again goes on from there\n"
        )
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _program(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"streamgmm {__version__}")
        raise typer.Exit


@app.command()
def demo(
    dataset: Annotated[str, typer.Argument(help="What streams: players (of a game).")] = "players",
    seconds: Annotated[float | None, typer.Option(min=1, metavar="N", help="End by itself after so long.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page and metrics; 0 takes a free one.")] = 0,
) -> None:
    """Watch the whole service learn from real data, with nothing to set up."""
    from streamgmm.demo.run import run

    _run(run(dataset, seconds, port))


@app.command()
def run(
    config: Config = None,
    sets: Sets = None,
    broker: BrokerUrl = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Process what is there now, commit, and exit with 0.")
    ] = False,
) -> None:
    """Run the service: vectors in, soft assignments out.

    Exit code 4 means that another learner has taken over this model: a supervisor must not restart on it.
    """
    given = _settings(config, sets, broker)
    from streamgmm.service.service import run as serve

    _run(serve(given, until_end=until_end))


@app.command()
def replay(  # noqa: PLR0913 - one argument an option
    *,
    file: Annotated[Path, typer.Argument(help="CSV with a header row, JSON lines (.jsonl), or a 2-d .npy.")],
    topic: TopicName,
    broker: BrokerUrl = None,
    config: Config = None,
    rate: Annotated[float | None, typer.Option(min=0.001, metavar="N", help="Records a second.")] = None,
    repeat: Annotated[bool, typer.Option("--repeat", help="From the start again at the end, until Ctrl-C.")] = False,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of the topic where it is created.")] = 1,
    encoding: Annotated[
        Literal["msgpack", "json"], typer.Option("--format", help="How a record is written.")
    ] = "msgpack",
    key: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The record's key, which chooses its partition.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="The columns to write; all where not given.")
    ] = None,
) -> None:
    """Stream a file into a topic, which is created where it is missing."""
    given = _broker(config, broker)
    from streamgmm.commands import replay as command
    from streamgmm.commands.rows import Choice

    chosen = Choice(encoding, key, tuple(columns.split(",")) if columns else None)
    _run(command.replay(given, file, chosen, command.Target(topic, partitions), command.Pace(rate, repeat)))


@app.command()
def tail(
    *,
    topic: TopicName,
    broker: BrokerUrl = None,
    config: Config = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="From the first record that is still there.")
    ] = False,
    until_end: UntilEnd = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, whole values; bytes as base64.")] = False,
) -> None:
    """Print the committed records of any topic as they arrive."""
    given = _broker(config, broker)
    from streamgmm.commands import tail as command

    _run(command.tail(given, topic, command.Span(from_start, until_end), as_json=as_json))


@app.command()
def audit(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Prove the delivery: every input assigned or dead-lettered, none missing, none twice (else exit code 7)."""
    given = _settings(config, sets, broker)
    from streamgmm.commands.audit import audit as command

    report = _run(command(given))
    _print(report.lines())
    if not report.ok:
        raise AuditFailed("the delivery is not proven: see the lines above")


@model.command("show")
def model_show(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Print the model as its newest checkpoint has it."""
    given = _settings(config, sets, broker)
    from streamgmm.service import model_commands

    _print(_run(model_commands.show(given)))


@model.command("reset")
def model_reset(
    *,
    config: Config = None,
    sets: Sets = None,
    broker: BrokerUrl = None,
    positions: Annotated[
        Literal["keep", "forget"],
        typer.Option(help="keep: go on where the model had read to; forget: read from input.start again."),
    ] = "keep",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget what was learnt and start anew; a learner that runs ends with exit code 4."""
    given = _settings(config, sets, broker)
    if positions == "forget":
        _warn(
            f"every record of {given.input.topic} from input.start ({given.input.start}) on will be published again "
            f"into {given.output_topic}"
        )
    if not yes:
        _confirm(f"Forget what model {given.model.name} has learnt?")
    from streamgmm.service import model_commands

    typer.echo(_run(model_commands.reset(given, positions=positions)))


@model.command("export")
def model_export(
    *,
    file: Annotated[Path, typer.Argument(help="A model's file, .msgpack or .json.")],
    config: Config = None,
    sets: Sets = None,
    broker: BrokerUrl = None,
    before: Annotated[
        Literal["reheat", "reinitialise"] | None,
        typer.Option(help="The model as it was before an alarm last led to this action."),
    ] = None,
) -> None:
    """Write the model as its newest checkpoint has it to a file, for another service or for Python."""
    given = _settings(config, sets, broker)
    from streamgmm.commands.model_files import write
    from streamgmm.service import kept, model_commands

    found = model_commands.newest(given) if before is None else kept.before(given, before)
    typer.echo(write(_run(found), file))


@model.command("import")
def model_import(
    *,
    file: Annotated[Path, typer.Argument(help="A model's file, .msgpack or .json.")],
    config: Config = None,
    sets: Sets = None,
    broker: BrokerUrl = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Go on with the model of a file, as a new generation; a learner that runs ends with exit code 4."""
    given = _settings(config, sets, broker)
    from streamgmm.commands.model_files import read
    from streamgmm.service.model_import import import_model

    document = read(file)
    if not yes:
        _confirm(f"Put the model of {file} in the place of what model {given.model.name} has learnt?")
    typer.echo(_run(import_model(given, document)))


@model.command("choose-k")
def model_choose_k(  # noqa: PLR0913 - one argument an option
    *,
    file: Annotated[
        Path | None, typer.Argument(help="CSV, JSON lines or .npy; without it the input topic is read.")
    ] = None,
    config: Config = None,
    sets: Sets = None,
    broker: BrokerUrl = None,
    fewest: Annotated[int, typer.Option("--from", min=1, max=1000, metavar="K", help="The fewest components.")] = 1,
    most: Annotated[int, typer.Option("--to", min=1, max=1000, metavar="K", help="The most components.")] = 10,
    vectors: Annotated[int, typer.Option(min=2, metavar="N", help="Look at the first N vectors.")] = 20_000,
    criterion: Annotated[Literal["bic", "aic"], typer.Option(help="What is to be lowest.")] = "bic",
) -> None:
    """Try numbers of components on data, and say which suits them best."""
    numbers = ("model.n_components=auto", f"model.n_components_min={fewest}", f"model.n_components_max={most}")
    nowhere = ("input.topic=unused",) if file is not None and config is None else ()
    given = _settings(config, [*nowhere, *(sets or ()), *numbers], broker)
    from streamgmm.commands.choose_k import choose_k

    _print(_run(choose_k(given, file, vectors, criterion)))


@drift.command("report")
def drift_report(
    *,
    config: Config = None,
    sets: Sets = None,
    broker: BrokerUrl = None,
    hours: Annotated[float, typer.Option(min=0.01, max=100_000, metavar="N", help="Look back so long.")] = 24,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as one page with pictures, too.")
    ] = None,
) -> None:
    """Tell from the events of the last hours what has changed, when, and by how much."""
    given = _settings(config, sets, broker)
    from streamgmm.commands.report.command import gathered, told

    _print(told(_run(gathered(given, hours)), html))


@drift.command("reference")
def drift_reference(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Make the model as it is the reference for drift; a learner that runs ends with exit code 4."""
    given = _settings(config, sets, broker)
    from streamgmm.service.model_reference import take_reference

    typer.echo(_run(take_reference(given)))


@settings.command("show")
def settings_show(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Print every setting as it is in effect, and where it comes from."""
    from streamgmm.commands.settings import show
    from streamgmm.settings.source import read

    _print(show(read(config, _overrides(sets, broker), os.environ)))


@settings.command("check")
def settings_check(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Say what is wrong with the settings, all of it at once (exit code 2)."""
    given = _settings(config, sets, broker)
    from streamgmm.engine.plan import plan

    plan(given, largest_record=0)  # what only the mixture can tell, as a covariance that is none
    typer.echo(f"the settings are right: {given.input.topic} to {given.output_topic} on {given.broker.url}")


@settings.command("schema")
def settings_schema(
    as_yaml: Annotated[bool, typer.Option("--yaml", help="A commented settings file with every default.")] = False,
) -> None:
    """Print the settings' JSON Schema, or a commented file with all of them."""
    from streamgmm.commands.settings import schema
    from streamgmm.settings.table import commented_yaml

    typer.echo(commented_yaml() if as_yaml else schema(), nl=not as_yaml)


@topics.command("create")
def topics_create(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Create the output, dead-letter, event and model topics; never the input."""
    given = _settings(config, sets, broker)
    from streamgmm.commands.topics import create

    _print(_run(create(given)))


def _overrides(sets: list[str] | None, broker: str | None) -> list[str]:
    return [*(sets or ()), *(() if broker is None else (f"broker.url={broker}",))]


def _settings(config: Path | None, sets: list[str] | None, broker: str | None) -> "Settings":
    from streamgmm.settings.source import load

    return load(config, _overrides(sets, broker), os.environ)


def _broker(config: Path | None, broker: str | None) -> "Broker":
    from streamgmm.settings.source import load_broker

    return load_broker(config, _overrides(None, broker), os.environ)


def _run(coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever the command returns
    """The one event loop. Ctrl-C, and a reader of our output that went away, are ways to stop as asked."""
    try:
        return asyncio.run(coroutine)
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter's last flush fails
        raise typer.Exit(0) from None


def _warn(text: str) -> None:
    typer.echo(f"streamgmm: warning: {text}", err=True)


def _confirm(question: str) -> None:
    if not sys.stdin.isatty():
        raise SettingsError("this asks before it forgets a model, and there is no terminal to ask at: give --yes")
    if not typer.confirm(question):
        raise typer.Exit(0)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)
