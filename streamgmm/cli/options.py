"""Options that commands share, and what is read by them."""

# ruff: noqa: PLC0415 - commands import what they need when they are called

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streamgmm.settings import Broker, Settings


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


def overrides(sets: list[str] | None, broker: str | None) -> list[str]:
    """The settings that the command line gives, in the order in which they count."""
    return [*(sets or ()), *(() if broker is None else (f"broker.url={broker}",))]


def settings_of(config: Path | None, sets: list[str] | None, broker: str | None) -> "Settings":
    """All settings. Raises SettingsError for what is wrong in them."""
    from streamgmm.settings.source import load

    return load(config, overrides(sets, broker), os.environ)


def broker_of(config: Path | None, broker: str | None) -> "Broker":
    """The broker's alone, for what needs no others. Raises SettingsError."""
    from streamgmm.settings.source import load_broker

    return load_broker(config, overrides(None, broker), os.environ)
