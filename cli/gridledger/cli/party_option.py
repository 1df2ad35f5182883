"""As whom a command of the exchange speaks: `--org` and `--user`, or a business system's `--config`."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import click

from gridledger.cli.network_option import NetworkChoice, with_network
from gridledger.client import Connection
from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.party import Party
from gridledger.exchange.settings import BusinessSettings
from gridledger.web import Authorities

__all__ = ["CHAINCODE", "CHAINCODE_VARIABLE", "ConfigChoice", "PartyChoice", "with_config", "with_party"]

P = ParamSpec("P")
T = TypeVar("T")

CHAINCODE: Final = "gridledger"
"""Name of the contracts' chaincode, where no other is given."""
CHAINCODE_VARIABLE: Final = "GRIDLEDGER_CHAINCODE"


@dataclass(frozen=True, kw_only=True)
class PartyChoice:
    """The identity that a command was told to act as."""

    network: NetworkChoice
    organisation: str
    user: str
    chaincode: str

    def connection(self) -> Connection:
        """Return how the identity reaches the network."""
        network = self.network.open()
        return network.connection(org=self.organisation, user=self.user, chaincode=self.chaincode)

    def authorities(self) -> dict[str, Path]:
        """Return the MSP folders of the network's organisations, by MSP."""
        return self.network.open().authorities

    def run(self, work: Callable[[Party], Awaitable[T]]) -> T:
        """Connect, do the work, close, and return what came of it."""
        authorities = Authorities.from_msp_folders(self.authorities())
        return asyncio.run(_with_party(self.connection(), authorities, work))


@dataclass(frozen=True, kw_only=True)
class ConfigChoice:
    """The business system that a command was told to act as."""

    path: Path

    def settings(self) -> BusinessSettings:
        """Read the configuration file."""
        return BusinessSettings.from_file(self.path)

    def run(self, work: Callable[[BusinessSystem], Awaitable[T]]) -> T:
        """Open the system, do the work, close, and return what came of it."""
        return asyncio.run(_with_system(self.settings(), work))


async def _with_party(
    connection: Connection, authorities: Authorities, work: Callable[[Party], Awaitable[T]]
) -> T:
    async with Party.connect(connection, authorities) as party:
        return await work(party)


async def _with_system(settings: BusinessSettings, work: Callable[[BusinessSystem], Awaitable[T]]) -> T:
    async with BusinessSystem.open(settings) as system:
        return await work(system)


def with_party(function: Callable[Concatenate[PartyChoice, P], T]) -> Callable[P, T]:
    """Give a command the options that name an identity of a network, and the choice as first argument.

    Stands above `with_output`::

        @group.command()
        @with_party
        @with_output
        def show(output: Output, party: PartyChoice) -> None: ...
    """

    @click.option("--org", "organisation", required=True, help="Organisation, such as org1.")
    @click.option("--user", required=True, help="Name of the identity, as `network enrol` made it.")
    @click.option(
        "--chaincode",
        default=CHAINCODE,
        show_default=True,
        envvar=CHAINCODE_VARIABLE,
        show_envvar=True,
        help="The chaincode's name.",
    )
    @with_network
    @functools.wraps(function)
    def called(choice: NetworkChoice, /, *arguments: P.args, **keywords: P.kwargs) -> T:
        party = PartyChoice(
            network=choice,
            organisation=str(keywords.pop("organisation")),
            user=str(keywords.pop("user")),
            chaincode=str(keywords.pop("chaincode")),
        )
        return function(party, *arguments, **keywords)

    return called


def with_config(function: Callable[Concatenate[ConfigChoice, P], T]) -> Callable[P, T]:
    """Give a command the option of a business system's configuration, and the choice as first argument."""

    @click.option(
        "--config",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        required=True,
        envvar="GRIDLEDGER_SYSTEM",
        show_envvar=True,
        help="Configuration of the business system (TOML).",
    )
    @functools.wraps(function)
    def called(*arguments: P.args, **keywords: P.kwargs) -> T:
        choice = ConfigChoice(path=Path(str(keywords.pop("config"))))
        return function(choice, *arguments, **keywords)

    return called
