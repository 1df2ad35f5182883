"""What a change of the consenters needs of a channel."""

from __future__ import annotations

from typing import Protocol

from gridledger.client.block import Block
from gridledger.network.ordering.channel_configuration import ChannelConfiguration

__all__ = ["OrderingChannel"]


class OrderingChannel(Protocol):
    """What a change needs of a channel; a test gives its own."""

    async def configuration(self) -> ChannelConfiguration:
        """Read the newest configuration."""
        ...

    async def head(self, address: str, number: int | None = None) -> Block | None:
        """Return a consenter's newest block or that of a number, None where it does not answer."""
        ...

    async def answers(self, address: str) -> bool:
        """Tell whether anything listens at an address, of a consenter or not."""
        ...

    async def submit(self, address: str, signed_update: bytes) -> None:
        """Send an update to a consenter; OrdererCallError if it does not take it."""
        ...
