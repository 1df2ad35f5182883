"""The real world: Hyperledger Fabric's orderers and peers, as native processes or in containers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from gridledger.client.peer import Peer
from gridledger.host.errors import NotRunning, StartTimeout
from gridledger.network.access import connection_of
from gridledger.network.blocking import run_blocking
from gridledger.network.component import Component
from gridledger.network.containers.authority import AuthorityNode
from gridledger.network.description import NetworkDescription
from gridledger.network.errors import ToolFailed, UnknownComponent
from gridledger.network.fabric.binaries import Binaries, ImageBinaries
from gridledger.network.fabric.genesis import make_genesis_block
from gridledger.network.fabric.orderer import OrdererNode
from gridledger.network.fabric.peer import PeerNode
from gridledger.network.world import OrdererState

__all__ = ["CONSENTER_RELATION", "FabricWorld"]

CONSENTER_RELATION = "consenter"
"""What an orderer's administration says of a channel in whose ordering it takes part."""

_JOIN_SECONDS = 30.0
_POLL_SECONDS = 0.02
_STATUS_SECONDS = 5.0


class FabricWorld:
    """Orderers and peers of a network.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder.

    Raises
    ------
    PrerequisiteMissing
        If a binary is not there.
    """

    def __init__(self, description: NetworkDescription, directory: Path) -> None:
        self._description = description
        self._directory = directory
        images = description.containers
        kind = Binaries if images is None else ImageBinaries
        self._binaries = kind.find(Path(description.binaries) if description.binaries else None)
        self._orderers = [
            OrdererNode(
                orderer, material, directory, self._binaries, image=images.orderer if images else None
            )
            for orderer, material in zip(
                description.orderers, description.orderer_material(directory), strict=True
            )
        ]
        self._peers = [
            PeerNode(organisation, material, directory, self._binaries, image=images.peer if images else None)
            for organisation, material in zip(
                description.organisations, description.peer_material(directory), strict=True
            )
        ]
        self._authorities = [
            AuthorityNode(organisation, material, directory, image=images.authority)
            for organisation, material in zip(
                description.organisations, description.peer_material(directory), strict=True
            )
            if images is not None
        ]

    def prepare(self) -> None:
        """Write the nodes' configuration, and once the channel's first block."""
        make_genesis_block(self._description, self._directory, self._binaries)
        for node in [*self._nodes(), *self._authorities]:
            node.write_configuration()

    def components(self) -> list[Component]:
        """Return orderers, peers and, in containers, authorities."""
        return [node.component() for node in [*self._nodes(), *self._authorities]]

    def join(self) -> None:
        """Let orderers and peers join the channel that have not.

        Raises
        ------
        ToolFailed
            If an orderer refuses.
        StartTimeout
            If an orderer does not become active.
        PeerCallError
            If a peer refuses.
        """
        channel = self._description.channel
        block = make_genesis_block(self._description, self._directory, self._binaries).read_bytes()
        for orderer in self._orderers:
            if (
                orderer.component().process.pid() is not None
                and channel not in orderer.administration.channels()
            ):
                orderer.administration.join(block)
        for orderer in self._orderers:
            if orderer.component().process.pid() is not None:
                self._wait_active(orderer)
        run_blocking(self._join_peers, block)

    def orderer_at(self, address: str) -> OrdererNode | None:
        """Return the orderer that listens at an address; None if it is none of the folder's."""
        return next((node for node in self._orderers if node.address == address), None)

    def peer_of(self, organisation: str) -> PeerNode:
        """Return an organisation's peer; UnknownComponent if there is no such organisation."""
        self._description.organisation(organisation)
        return next(peer for peer in self._peers if peer.organisation == organisation)

    def metrics(self, component: str) -> Mapping[str, float]:
        """Return what an orderer or a peer tells Prometheus.

        Raises
        ------
        UnknownComponent
            If it is neither.
        NotRunning
            If it does not answer.
        """
        nodes = {node.name: node for node in self._nodes()}
        if component not in nodes:
            raise UnknownComponent("orderer or peer", component, known=sorted(nodes))
        return nodes[component].operations.metrics()

    async def orderers(self) -> Mapping[str, OrdererState]:
        """Return what the orderers' administration says of the channel, asked of all at once."""
        states = await asyncio.gather(
            *(asyncio.to_thread(self._state, orderer) for orderer in self._orderers)
        )
        return {orderer.name: state for orderer, state in zip(self._orderers, states, strict=True)}

    def _state(self, orderer: OrdererNode) -> OrdererState:
        administration = replace(orderer.administration, seconds=_STATUS_SECONDS)
        try:
            found = administration.channel(self._description.channel)
        except (NotRunning, ToolFailed):
            return OrdererState()
        return OrdererState(
            height=int(found["height"]), is_consenter=found["consensusRelation"] == CONSENTER_RELATION
        )

    def _nodes(self) -> list[OrdererNode | PeerNode]:
        return [*self._orderers, *self._peers]

    def _wait_active(self, orderer: OrdererNode) -> None:
        deadline = time.monotonic() + _JOIN_SECONDS
        while orderer.administration.channel(self._description.channel)["status"] != "active":
            if time.monotonic() >= deadline:
                process = orderer.component().process
                raise StartTimeout(
                    orderer.name, seconds=_JOIN_SECONDS, log=process.log, log_tail=process.log_tail()
                )
            time.sleep(_POLL_SECONDS)

    async def _join_peers(self, block: bytes) -> None:
        running = [peer for peer in self._peers if peer.component().process.pid() is not None]
        await asyncio.gather(*(self._join_peer(peer, block) for peer in running))

    async def _join_peer(self, node: PeerNode, block: bytes) -> None:
        connection = connection_of(self._description, self._directory, node.organisation, "admin")
        async with Peer.connect(connection) as peer:
            if self._description.channel not in await peer.channels():
                await peer.join_channel(block)
