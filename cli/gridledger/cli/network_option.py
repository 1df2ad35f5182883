"""Which network a command means: `--dir`, `--world`, `--bin`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from gridledger.model.errors import ConfigError
from gridledger.network import Network, World
from gridledger.network.fabric.binaries import BINARIES_VARIABLE

__all__ = ["NetworkChoice", "with_network"]

P = ParamSpec("P")
T = TypeVar("T")

_HOME = Path(".gridledger")


@dataclass(frozen=True, kw_only=True)
class NetworkChoice:
    """The network that a command was told to work on."""

    world: World | None
    """The world, if it was named."""

    given: Path | None
    """The folder, if it was named."""

    binaries: Path | None
    """The folder of Fabric's binaries, if it was named."""

    @property
    def directory(self) -> Path:
        """The folder: as named, else one per world below `.gridledger`."""
        return self.folder(World.DEVNET)

    def folder(self, world: World) -> Path:
        """Return the folder for a command that is about `world` unless another is named."""
        return self.given or _HOME / (self.world or world)

    def open(self) -> Network:
        """Return the network.

        Raises
        ------
        ConfigError
            If there is none, or another world runs it.
        """
        network = Network.open(self.directory)
        if self.world is not None and network.world is not self.world:
            raise ConfigError(
                f"the network in {self.directory} is of world {network.world}",
                key="world",
                source="--world",
                value=self.world.value,
            )
        if self.binaries is not None:
            network.use_binaries(self.binaries)
        return network


def with_network(function: Callable[Concatenate[NetworkChoice, P], T]) -> Callable[P, T]:
    """Give a command the options that name a network, and the choice as first argument.

    Stands above `with_output`, whose Output becomes the second argument's neighbour::

        @group.command()
        @with_network
        @with_output
        def up(output: Output, choice: NetworkChoice) -> None: ...
    """

    @click.option(
        "--world",
        type=click.Choice([world.value for world in World]),
        envvar="GRIDLEDGER_WORLD",
        show_envvar=True,
        help="The embedded network (default), real Fabric, or a network of others that was attached.",
    )
    @click.option(
        "--dir",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="GRIDLEDGER_DIR",
        show_envvar=True,
        help="The network's folder; .gridledger/WORLD by default.",
    )
    @click.option(
        "--bin",
        "binaries",
        type=click.Path(path_type=Path, file_okay=False),
        envvar=BINARIES_VARIABLE,
        show_envvar=True,
        help="Folder of Fabric's binaries; ~/.cache/gridledger/fabric/bin by default.",
    )
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        world = keywords.pop("world")
        choice = NetworkChoice(
            world=World(str(world)) if world else None,
            given=_path(keywords.pop("directory")),
            binaries=_path(keywords.pop("binaries")),
        )
        return function(choice, *arguments, **keywords)

    return called


def _path(value: object) -> Path | None:
    return value if isinstance(value, Path) else None
