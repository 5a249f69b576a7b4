"""`streamgmm settings`: what can be set, and what is."""

# ruff: noqa: PLC0415 - commands import what they need when they are called

import os
from typing import Annotated

import typer

from streamgmm.cli.options import BrokerUrl, Config, Sets, overrides, settings_of
from streamgmm.cli.terminal import show_lines

settings = typer.Typer(help="What can be set, what is set, and whether it is right.", no_args_is_help=True)


@settings.command("show")
def settings_show(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Print every setting as it is in effect, and where it comes from."""
    from streamgmm.commands.settings import show
    from streamgmm.settings.source import read

    show_lines(show(read(config, overrides(sets, broker), os.environ)))


@settings.command("check")
def settings_check(config: Config = None, sets: Sets = None, broker: BrokerUrl = None) -> None:
    """Say what is wrong with the settings, all of it at once (exit code 2)."""
    given = settings_of(config, sets, broker)
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
