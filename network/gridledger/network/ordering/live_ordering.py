"""A channel of a running network: its configuration from a peer, its consenters by themselves."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Final, Self

from gridledger.client.block import Block
from gridledger.client.connection import Connection
from gridledger.client.peer import Peer
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.errors import ConfigError
from gridledger.network.errors import OrdererCallError
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.orderer_client import OrdererClient

__all__ = ["LiveOrdering"]

_NOWHERE: Final = ":0"


class LiveOrdering:
    """An `OrderingChannel` through one identity's peer; an asynchronous context manager.

    Parameters
    ----------
    connection : Connection
        Of a client or an administrator of a peer organisation; names the channel.
    seconds : float, default 5
        Deadline of each call to an orderer.

    Raises
    ------
    ConfigError
        If the connection names no channel, or its certificate, key or TLS material cannot be read.
    """

    def __init__(self, connection: Connection, *, seconds: float = 5.0) -> None:
        if connection.channel is None:
            raise ConfigError("names no channel", key="channel", source=connection.source)
        self._channel = connection.channel
        self._connection = connection
        self._seconds = seconds
        self._signing = SigningIdentity.from_connection(connection)
        self._stack = AsyncExitStack()
        self._clients: dict[str, OrdererClient] = {}
        self._newest: ChannelConfiguration | None = None
        self._peer: Peer | None = None

    async def __aenter__(self) -> Self:
        self._peer = await self._stack.enter_async_context(Peer.connect(self._connection))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def configuration_block(self) -> bytes:
        """Return the newest configuration block, a ``common.Block``; PeerCallError if the peer fails."""
        if self._peer is None:
            raise RuntimeError("want a context: async with LiveOrdering(…)")
        return await self._peer.call("cscc", "GetConfigBlock", self._channel, channel=self._channel)

    async def configuration(self) -> ChannelConfiguration:
        """Read the newest configuration; PeerCallError if the peer fails."""
        self._newest = ChannelConfiguration.from_block(await self.configuration_block())
        return self._newest

    async def newest_block(self) -> Block:
        """Return the peer's newest block; PeerCallError if the peer fails."""
        if self._peer is None:
            raise RuntimeError("want a context: async with LiveOrdering(…)")
        height = (await self._peer.chain_info(self._channel)).height
        return await self._peer.block(self._channel, height - 1)

    async def head(self, address: str, number: int | None = None) -> Block | None:
        """Return a consenter's newest block or that of a number, None where it does not answer."""
        client = await self._client(address)
        if client is None:
            return None
        try:
            return await client.head(number)
        except OrdererCallError:
            return None

    async def answers(self, address: str) -> bool:
        """Tell whether anything listens at an address: of an orderer's certificates nothing is known here."""
        host, _, port = address.rpartition(":")
        try:
            async with asyncio.timeout(self._seconds):
                _, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True

    async def submit(self, address: str, signed_update: bytes) -> None:
        """Send an update to a consenter; OrdererCallError if it does not take it."""
        client = await self._client(address)
        if client is None:
            raise OrdererCallError(address, reason="is no consenter of the channel")
        await client.submit(signed_update)

    async def _client(self, address: str) -> OrdererClient | None:
        """Return the connection to an orderer that is a consenter, or was one a moment ago."""
        if address in self._clients:
            return self._clients[address]
        known = self._newest or await self.configuration()
        found = next((one for one in known.consenters if one.address == address), None)
        if found is None or address.endswith(_NOWHERE):
            return None
        client = OrdererClient(found, known, self._signing, seconds=self._seconds)
        self._clients[address] = await self._stack.enter_async_context(client)
        return client
