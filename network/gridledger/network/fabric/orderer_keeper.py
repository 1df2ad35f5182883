"""The orderers in a network's folder, as a change of the consenters needs them."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, Final

from gridledger.client.peer import Peer
from gridledger.host.errors import NotRunning, StartTimeout
from gridledger.host.lock import folder_lock
from gridledger.host.ports import LOOPBACK
from gridledger.network.access import connection_of
from gridledger.network.description import NetworkDescription, World
from gridledger.network.errors import ToolFailed
from gridledger.network.fabric.orderer import OrdererNode
from gridledger.network.fabric.world import CONSENTER_RELATION, FabricWorld
from gridledger.network.msp_message import msp_message
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.orderer_card import OrdererCard

__all__ = ["FolderKeeper", "folder_cards"]

_START_SECONDS: Final = 60.0
_FOLLOW_SECONDS: Final = 60.0
_NOTICE_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.1


def folder_cards(description: NetworkDescription, directory: Path) -> dict[str, OrdererCard]:
    """Return the cards of the orderers in a network's folder, by address; none of devnet's, which listens
    nowhere.
    """
    found = {}
    for orderer, material in zip(description.orderers, description.orderer_material(directory), strict=True):
        if orderer.port is None:
            continue
        member = material.orderer(orderer.member_name)
        card = OrdererCard(
            address=f"{LOOPBACK}:{orderer.port}",
            msp_id=material.msp_id,
            certificate=member.msp.certificate.read_bytes(),
            tls_certificate=member.tls_certificate.read_bytes(),
            msp=msp_message(material.msp.path, material.msp_id),
        )
        found[card.address] = card
    return found


class FolderKeeper:
    """An `OrdererKeeper` of the orderers in a network's folder; others are their operators' affair.

    Parameters
    ----------
    directory : Path
        The folder.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def prepare(self, card: OrdererCard, configuration: ChannelConfiguration) -> None:
        """Start an orderer if it does not run, let it join, and wait until it has followed the channel.

        Raises
        ------
        StartTimeout, ComponentStopped
            If it does not become ready, or does not follow in time.
        ToolFailed
            If it refuses to join.
        PeerCallError
            If no peer gives out the channel's configuration.
        """
        node, description = self._node(card.address)
        if node is None:
            return
        connection = connection_of(description, self._directory, description.organisations[0].name, "admin")
        async with Peer.connect(connection) as peer:
            channel = description.channel
            block = await peer.call("cscc", "GetConfigBlock", channel, channel=channel)
            height = (await peer.chain_info(channel)).height
        await asyncio.to_thread(self._start, node, channel, block)
        if configuration.tls_roots(card.msp_id):
            # Of an organisation that the channel does not know nobody takes a question: it syncs once added.
            await self._wait_height(node, channel, height)

    async def hasten(self, address: str) -> None:
        """Restart an orderer that still follows the channel: it then asks the others at once.

        One that does not run, such as after a crash between its end and its start, is started.

        Raises
        ------
        StartTimeout, ComponentStopped, StopTimeout
            If it does not come up again.
        """
        node, description = self._node(address)
        if node is None:
            return
        if node.component().process.pid() is None:
            await asyncio.to_thread(self._restart, node)
            return
        try:
            known = await asyncio.to_thread(self._info, node, description.channel)
        except (NotRunning, ToolFailed):
            return
        if known["consensusRelation"] != CONSENTER_RELATION:
            await asyncio.to_thread(self._restart, node)

    async def release(self, address: str) -> None:
        """Restart an orderer that was removed: until then it believes itself to be a consenter.

        Raises
        ------
        StartTimeout, ComponentStopped, StopTimeout
            If it does not come up again.
        """
        node, _ = self._node(address)
        if node is not None and node.component().process.pid() is not None:
            await asyncio.to_thread(self._restart, node)

    def _node(self, address: str) -> tuple[OrdererNode | None, NetworkDescription]:
        description = NetworkDescription.load(self._directory)
        if description.world is not World.FABRIC:
            return None, description
        return FabricWorld(description, self._directory).orderer_at(address), description

    def _start(self, node: OrdererNode, channel: str, block: bytes) -> None:
        with folder_lock(self._directory):
            node.write_configuration()
            component = node.component()
            component.start()
            component.wait_ready(seconds=_START_SECONDS)
        if channel not in node.administration.channels():
            node.administration.join(block)
        elif self._info(node, channel)["consensusRelation"] == CONSENTER_RELATION:
            self._restart(node)

    def _restart(self, node: OrdererNode) -> None:
        with folder_lock(self._directory):
            component = node.component()
            component.process.stop()
            component.start()
            component.wait_ready(seconds=_START_SECONDS)

    async def _wait_height(self, node: OrdererNode, channel: str, height: int) -> None:
        begun = time.monotonic()
        is_hastened = False
        while (await asyncio.to_thread(self._info, node, channel))["height"] < height:
            waited = time.monotonic() - begun
            if waited >= _NOTICE_SECONDS and not is_hastened:
                # One that finds nothing new asks only every ten seconds; one that starts asks at once.
                is_hastened = True
                await asyncio.to_thread(self._restart, node)
            if waited >= _FOLLOW_SECONDS:
                process = node.component().process
                raise StartTimeout(
                    node.name, seconds=_FOLLOW_SECONDS, log=process.log, log_tail=process.log_tail()
                )
            await asyncio.sleep(_POLL_SECONDS)

    def _info(self, node: OrdererNode, channel: str) -> dict[str, Any]:
        return node.administration.channel(channel)
