"""The command line: what can be asked for, in words; `streamgmm.commands` and `streamgmm.service` do it.

Commands import what they need when they are called, so that `--help` answers at once. Errors of `streamgmm.errors`
become one line and their exit code in `main`, and nowhere else; what was stopped as asked (Ctrl-C, a reader of the
output that went away) ends with 0.
"""

# ruff: noqa: PLC0415 - see above

import gc
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from streamgmm import __version__
from streamgmm.cli.drift import drift
from streamgmm.cli.model import model
from streamgmm.cli.options import BrokerUrl, Config, Sets, TopicName, UntilEnd, broker_of, settings_of
from streamgmm.cli.settings import settings
from streamgmm.cli.terminal import finished, show_lines
from streamgmm.cli.topics import topics
from streamgmm.errors import AuditFailed, StreamgmmError

app = typer.Typer(
    help="Live, soft clustering of a stream: a Gaussian mixture kept up to date by online EM, exactly once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(model, name="model")
app.add_typer(drift, name="drift")
app.add_typer(settings, name="settings")
app.add_typer(topics, name="topics")


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

    finished(run(dataset, seconds, port))


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
    gc.disable()  # nothing of a start is garbage; `load_compiled` has it looked for again
    try:
        given = settings_of(config, sets, broker)
        from streamgmm.service.service import run as serve

        finished(serve(given, until_end=until_end))
    finally:
        gc.enable()


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
    given = broker_of(config, broker)
    from streamgmm.commands import replay as command
    from streamgmm.commands.rows import Choice

    chosen = Choice(encoding, key, tuple(columns.split(",")) if columns else None)
    finished(command.replay(given, file, chosen, command.Target(topic, partitions), command.Pace(rate, repeat)))


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
    given = broker_of(config, broker)
    from streamgmm.commands import tail as command

    finished(command.tail(given, topic, command.Span(from_start, until_end), as_json=as_json))


@app.command()
def audit(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Prove the delivery: every input assigned or dead-lettered, none missing, none twice (else exit code 7)."""
    given = settings_of(config, sets, broker)
    from streamgmm.commands.audit import audit as command

    report = finished(command(given))
    show_lines(report.lines())
    if not report.ok:
        raise AuditFailed("the delivery is not proven: see the lines above")
