"""Which lake a command means: `--config`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from gridledger.lake.lake import Lake
from gridledger.lake.settings import DEFAULT_FILE, VARIABLE, LakeSettings

__all__ = ["config_option", "directory_option", "with_lake"]

P = ParamSpec("P")
T = TypeVar("T")

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_FILE,
    envvar=VARIABLE,
    show_envvar=True,
    show_default=True,
    help="Configuration of the lake (TOML), as `lake init` writes it.",
)

directory_option = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".gridledger/lake"),
    envvar="GRIDLEDGER_LAKE_DIR",
    show_envvar=True,
    show_default=True,
    help="The folder of the lake's HDFS.",
)


def with_lake(function: Callable[Concatenate[Lake, P], T]) -> Callable[P, T]:
    """Give a command the option `--config`, and the open lake as first argument.

    Stands below `with_output`, since opening a lake may fail::

        @group.command()
        @with_output
        @with_lake
        def stat(lake: Lake, output: Output) -> None: ...
    """

    @config_option
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        lake = LakeSettings.from_file(Path(str(keywords.pop("config")))).open()
        with lake.store:
            return function(lake, *arguments, **keywords)

    return called
