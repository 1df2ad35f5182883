"""What a world must offer for a network to be run on it, and the embedded one."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gridledger.client.errors import PeerCallError
from gridledger.client.peer import Peer
from gridledger.host.ports import is_listening
from gridledger.network.access import connection_of
from gridledger.network.component import Component, ComponentKind
from gridledger.network.description import NetworkDescription
from gridledger.network.errors import UnknownComponent
from gridledger.network.python_environment import python_environment

__all__ = ["EmbeddedWorld", "OrdererState", "WorldRunner"]

_NAME = "devnet"
_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class OrdererState:
    """An orderer at one moment."""

    height: int | None = None
    """Number of its blocks; None if it does not answer."""

    is_consenter: bool = True
    """Whether it believes to take part in ordering; one in wait, or removed, follows or stands still."""


class WorldRunner(Protocol):
    """The components of a world, chaincode apart."""

    def prepare(self) -> None:
        """Write what the components read when they start; called before every start."""

    def components(self) -> list[Component]:
        """Return the components, in the order of their start."""

    def join(self) -> None:
        """Let components that have not done so join the channel; they run."""

    def metrics(self, component: str) -> Mapping[str, float]:
        """Return a component's metrics; empty where it has none."""

    async def orderers(self) -> Mapping[str, OrdererState]:
        """Return each orderer's component, and how far it is."""


class EmbeddedWorld:
    """devnet: one process for all organisations.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder.
    """

    def __init__(self, description: NetworkDescription, directory: Path) -> None:
        self._description = description
        self._directory = directory

    def prepare(self) -> None:
        """Do nothing: devnet reads `network.json` and the material itself."""

    def components(self) -> list[Component]:
        """Return the one process; it is ready when every organisation's port is served."""
        ports = [organisation.port for organisation in self._description.organisations]
        return [
            Component(
                name=_NAME,
                kind=ComponentKind.DEVNET,
                directory=self._directory,
                port=ports[0],
                arguments=[sys.executable, "-P", "-m", "gridledger.network.devnet", self._directory],
                environment=python_environment({}),
                is_ready=lambda: all(is_listening(port) for port in ports),
            )
        ]

    def join(self) -> None:
        """Do nothing: devnet has its one channel from the start."""

    def metrics(self, component: str) -> Mapping[str, float]:
        """Return nothing: devnet counts nothing.

        Raises
        ------
        UnknownComponent
            If it is not devnet.
        """
        if component != _NAME:
            raise UnknownComponent("component", component, known=[_NAME])
        return {}

    async def orderers(self) -> Mapping[str, OrdererState]:
        """Return the one orderer's height: it and all peers have one ledger, so any peer tells it."""
        organisation = self._description.organisations[0].name
        connection = connection_of(self._description, self._directory, organisation, "admin")
        async with Peer.connect(connection) as peer:
            try:
                info = await peer.chain_info(self._description.channel, timeout=_SECONDS)
            except PeerCallError:
                return {_NAME: OrdererState()}
        return {_NAME: OrdererState(height=info.height)}
