"""`streamgmm drift`: what has changed in the stream."""

# ruff: noqa: PLC0415 - commands import what they need when they are called

from pathlib import Path
from typing import Annotated

import typer

from streamgmm.cli.options import BrokerUrl, Config, Sets, settings_of
from streamgmm.cli.terminal import finished, show_lines

drift = typer.Typer(help="What has changed in the stream, and what it is held against.", no_args_is_help=True)


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
    given = settings_of(config, sets, broker)
    from streamgmm.commands.report.command import gathered, told

    show_lines(told(finished(gathered(given, hours)), html))


@drift.command("reference")
def drift_reference(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Make the model as it is the reference for drift; a learner that runs ends with exit code 4."""
    given = settings_of(config, sets, broker)
    from streamgmm.service.model_reference import take_reference

    typer.echo(finished(take_reference(given)))
