"""Has a signed change of a channel's configuration ordered, and waits until the channel has it."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from gridledger.client.block import Block
from gridledger.network.errors import ConfigurationMoved, OrdererCallError, UpdateRefused
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.configuration_change import ConfigurationChange
from gridledger.network.ordering.ordering_channel import OrderingChannel

__all__ = ["order_change"]

_PATIENCE_SECONDS: Final = 10.0
"""So long an orderer that took an update is waited for before another is asked: leaders change meanwhile."""


async def order_change(
    channel: OrderingChannel,
    change: ConfigurationChange,
    *,
    seconds: float = 60.0,
    poll_seconds: float = 0.1,
) -> ChannelConfiguration:
    """Have a change ordered; nothing happens if the channel is where it leads to.

    Parameters
    ----------
    channel : OrderingChannel
        The channel.
    change : ConfigurationChange
        With its signatures.
    seconds : float, default 60
        Deadline.
    poll_seconds : float, default 0.1
        Pause between looks.

    Returns
    -------
    ChannelConfiguration
        What the channel has then.

    Raises
    ------
    SignaturesMissing
        If too few administrators have signed; nothing was sent.
    ConfigurationMoved
        If the channel has another configuration than the one that it starts from.
    UpdateRefused
        If no orderer takes it, or it is not ordered in time.
    """
    current = await channel.configuration()
    if change.is_done(current):
        return current
    signed = change.signed_update()
    if current.to_bytes() != change.configuration:
        raise ConfigurationMoved(f"it starts from configuration {change.sequence}", sequence=current.sequence)
    deadline = time.monotonic() + seconds
    reasons: dict[str, str] = {}
    refused: set[str] = set()
    attempt = 0
    while time.monotonic() < deadline:
        asked = await _orderers(channel, current, refused)
        if not asked and refused:
            break
        patience = time.monotonic()
        if asked:
            address = asked[attempt % len(asked)]
            attempt += 1
            try:
                await channel.submit(address, signed)
            except OrdererCallError as error:
                reasons[address] = error.message
                refused.add(address)
            else:
                reasons[address] = f"orderer {address}: took it and did not order it in time"
                patience += _PATIENCE_SECONDS
        while True:
            found = await channel.configuration()
            if change.is_done(found):
                return found
            if time.monotonic() >= min(deadline, patience):
                break
            await asyncio.sleep(poll_seconds)
        await asyncio.sleep(poll_seconds)
    raise UpdateRefused(reasons=[*reasons.values()] or ["no orderer answers"])


async def _orderers(channel: OrderingChannel, current: ChannelConfiguration, refused: set[str]) -> list[str]:
    """Return who answers and has not refused, the leader first: each orderer makes a request of its own."""
    found = await asyncio.gather(*(channel.head(address) for address in current.addresses))
    heads: dict[str, Block] = {
        address: block for address, block in zip(current.addresses, found, strict=True) if block is not None
    }
    newest = max(heads.values(), key=lambda block: block.number, default=None)
    leader = current.leader(newest) if newest is not None else None
    return sorted(heads.keys() - refused, key=lambda one: (one != leader, one))
