"""`streamgmm model`: the model's life."""

# ruff: noqa: PLC0415 - commands import what they need when they are called

from pathlib import Path
from typing import Annotated, Literal

import typer

from streamgmm.cli.options import BrokerUrl, Config, Sets, settings_of
from streamgmm.cli.terminal import confirm, finished, show_lines, warn

model = typer.Typer(help="The model's life: look at it, start it anew.", no_args_is_help=True)


@model.command("show")
def model_show(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Print the model as its newest checkpoint has it."""
    given = settings_of(config, sets, broker)
    from streamgmm.service import model_commands

    show_lines(finished(model_commands.show(given)))


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
    given = settings_of(config, sets, broker)
    if positions == "forget":
        warn(
            f"every record of {given.input.topic} from input.start ({given.input.start}) on will be published again "
            f"into {given.output_topic}"
        )
    if not yes:
        confirm(f"Forget what model {given.model.name} has learnt?")
    from streamgmm.service import model_commands

    typer.echo(finished(model_commands.reset(given, positions=positions)))


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
    given = settings_of(config, sets, broker)
    from streamgmm.commands.model_files import write
    from streamgmm.service import kept, model_commands

    found = model_commands.newest(given) if before is None else kept.before(given, before)
    typer.echo(write(finished(found), file))


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
    given = settings_of(config, sets, broker)
    from streamgmm.commands.model_files import read
    from streamgmm.service.model_import import import_model

    document = read(file)
    if not yes:
        confirm(f"Put the model of {file} in the place of what model {given.model.name} has learnt?")
    typer.echo(finished(import_model(given, document)))


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
    given = settings_of(config, [*nowhere, *(sets or ()), *numbers], broker)
    from streamgmm.commands.choose_k import choose_k

    show_lines(finished(choose_k(given, file, vectors, criterion)))
