"""kill -9 of the embedded network under load: nothing that was reported is lost, nothing stands twice."""

from __future__ import annotations

import asyncio
import math
import random
from contextlib import suppress

import pytest
from tests.faults.conftest import Gateways
from tests.faults.load import CHANNEL, Load

from gridledger.host.errors import NotRunning
from gridledger.model.errors import GatewayError, NetworkSetupError
from gridledger.network import Network

KILLS = 50
SECONDS = 60.0
"""How long the network may take to serve again after a start, on a loaded machine."""

KILL_WITHIN = 0.25
"""Seconds of load before a kill, at most: two blocks and a half."""

KILLED_WHILE_STARTING = 0.3
"""Share of kills that are followed by another one during the start."""

START_WITHIN = 1.0
"""Seconds of starting before that kill, at most."""


async def kill_while_starting(network: Network, seconds: float) -> None:
    """Start the network and kill it meanwhile, or just after it was ready."""
    start = asyncio.create_task(asyncio.to_thread(network.restart, "devnet"))
    await asyncio.sleep(seconds)
    with suppress(NotRunning):
        await asyncio.to_thread(network.kill, "devnet")
    with suppress(NetworkSetupError, GatewayError):
        await start


@pytest.mark.timeout(900)
async def test_devnet_killed_under_load_keeps_what_it_reported(
    devnet: Network, gateways: Gateways, share: float, chance: random.Random
) -> None:
    gateway = await gateways.open(devnet)
    other = await gateways.open(devnet, "org2")
    load = Load(gateway.network(CHANNEL).contract("script"), "k", workers=8)

    async with load.running():
        for _ in range(math.ceil(KILLS * share)):
            async with asyncio.timeout(SECONDS):
                await load.more(4)
            await asyncio.sleep(chance.uniform(0, KILL_WITHIN))
            await asyncio.to_thread(devnet.kill, "devnet")
            if chance.random() < KILLED_WHILE_STARTING:
                await kill_while_starting(devnet, chance.uniform(0, START_WITHIN))
            await asyncio.to_thread(devnet.restart, "devnet")
        async with asyncio.timeout(SECONDS):
            await load.more(4)

    counts = await load.check(gateway)
    assert await load.check(other) == counts


async def test_devnet_killed_while_idle_keeps_all(devnet: Network, gateways: Gateways) -> None:
    gateway = await gateways.open(devnet)
    load = Load(gateway.network(CHANNEL).contract("script"), "k")
    async with load.running(), asyncio.timeout(SECONDS):
        await load.more(10)
    before = await gateway.network(CHANNEL).chain_info()

    await asyncio.to_thread(devnet.kill, "devnet")
    await asyncio.to_thread(devnet.restart, "devnet")

    again = await gateways.open(devnet)
    assert await again.network(CHANNEL).chain_info() == before
    await load.check(again)
