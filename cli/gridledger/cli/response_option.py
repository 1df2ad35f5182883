"""The option `--config` of the commands of demand response."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from gridledger.response.settings import ResponseSettings, ServerSettings, TerminalSettings

__all__ = ["Settings", "SettingsChoice", "with_settings"]

P = ParamSpec("P")
T = TypeVar("T")

Settings = TerminalSettings | ServerSettings


@dataclass(frozen=True, kw_only=True)
class SettingsChoice:
    """The configuration that a command was told to use."""

    path: Path

    def any(self) -> Settings:
        """Read a terminal's or a server's."""
        return ResponseSettings.from_file(self.path)

    def server(self) -> ServerSettings:
        """Read a server's."""
        found = self.any()
        if not isinstance(found, ServerSettings):
            raise click.UsageError("this wants a server's configuration")
        return found

    def terminal(self) -> TerminalSettings:
        """Read a terminal's."""
        found = self.any()
        if not isinstance(found, TerminalSettings):
            raise click.UsageError("this wants a terminal's configuration")
        return found


def with_settings(function: Callable[Concatenate[SettingsChoice, P], T]) -> Callable[P, T]:
    """Give a command the option of a configuration, and the choice as first argument."""

    @click.option(
        "--config",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        required=True,
        envvar="GRIDLEDGER_RESPONSE",
        show_envvar=True,
        help="Configuration of the terminal or the server (TOML).",
    )
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        choice = SettingsChoice(path=Path(str(keywords.pop("config"))))
        return function(choice, *arguments, **keywords)

    return called
