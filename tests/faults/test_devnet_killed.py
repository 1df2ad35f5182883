"""kill -9 of the embedded network under load: nothing that was reported is lost, nothing stands twice."""

from __future__ import annotations

import asyncio
import math
import random

import pytest
from tests.faults.conftest import Gateways
from tests.faults.load import CHANNEL, Load

from gridledger.network import Network

KILLS = 50
SECONDS = 60.0
"""How long the network may take to serve again after a start, on a loaded machine."""

KILL_WITHIN = 0.25
"""Seconds of load before a kill, at most: two blocks and a half."""


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
