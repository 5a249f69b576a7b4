"""`streamgmm topics`: those beside the input."""

# ruff: noqa: PLC0415 - commands import what they need when they are called

import typer

from streamgmm.cli.options import BrokerUrl, Config, Sets, settings_of
from streamgmm.cli.terminal import finished, show_lines

topics = typer.Typer(help="The topics beside the input.", no_args_is_help=True)


@topics.command("create")
def topics_create(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Create the output, dead-letter, event and model topics; never the input."""
    given = settings_of(config, sets, broker)
    from streamgmm.commands.topics import create

    show_lines(finished(create(given)))
