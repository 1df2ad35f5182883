"""Real Fabric only: peers that crash, and peers that lose everything."""

from __future__ import annotations

import asyncio

import pytest
from tests.faults.conftest import Gateways
from tests.faults.load import CHANNEL, Load
from tests.faults.test_orderers_killed import SECONDS, agreed, script

from gridledger.network import Network


@pytest.mark.timeout(300)
async def test_wiped_peer_catches_up_to_the_same_hash(fabric: Network, gateways: Gateways) -> None:
    gateway = await gateways.open(fabric)
    load = Load(script(gateway), "k", workers=8)
    async with load.running(), asyncio.timeout(SECONDS):
        await load.more(50)
    before = await gateway.network(CHANNEL).chain_info()

    await asyncio.to_thread(fabric.wipe, "peer0.org2")
    await asyncio.to_thread(fabric.restart, "peer0.org2")
    await agreed(fabric)

    other = await gateways.open(fabric, "org2")
    assert await other.network(CHANNEL).chain_info() == before
    load.contract = script(other)
    async with load.running(), asyncio.timeout(SECONDS):
        await load.more(10)
    await agreed(fabric)
    assert await load.check(gateway) == await load.check(other)


@pytest.mark.timeout(300)
async def test_gateway_peer_killed_under_load_keeps_what_it_reported(
    fabric: Network, gateways: Gateways
) -> None:
    gateway = await gateways.open(fabric)
    load = Load(script(gateway), "k", workers=8)

    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(20)
        await asyncio.to_thread(fabric.kill, "peer0.org1")
        await asyncio.to_thread(fabric.restart, "peer0.org1")
        async with asyncio.timeout(SECONDS):
            await load.more(20)

    await agreed(fabric)
    assert await load.check(gateway) == await load.check(await gateways.open(fabric, "org2"))
