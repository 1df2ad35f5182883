"""Networks that go down and come up on the ledgers that they kept."""

from __future__ import annotations

import asyncio

from tests.conformance.probe.steps import do, encode_steps
from tests.faults.conftest import Gateways
from tests.faults.load import CHANNEL, Load

from gridledger.network import Network, World

SECONDS = 60.0


async def test_network_restarted_keeps_its_ledger_and_goes_on(own: Network, gateways: Gateways) -> None:
    gateway = await gateways.open(own)
    load = Load(gateway.network(CHANNEL).contract("script"), "k")
    async with load.running(), asyncio.timeout(SECONDS):
        await load.more(10)
    before = await gateway.network(CHANNEL).chain_info()

    await asyncio.to_thread(own.down)
    await asyncio.to_thread(own.up)

    again = await gateways.open(own)
    assert await again.network(CHANNEL).chain_info() == before
    load.contract = again.network(CHANNEL).contract("script")
    async with load.running(), asyncio.timeout(SECONDS):
        await load.more(10)
    await load.check(again)
    await load.check(await gateways.open(own, "org2"))


async def test_network_opened_from_its_folder_is_the_same(own: Network, gateways: Gateways) -> None:
    gateway = await gateways.open(Network.open(own.directory))

    assert (await gateway.network(CHANNEL).chain_info()).height > 0
    assert Network.open(own.directory).status() == own.status()


async def test_chaincodes_killed_and_started_answer_again(own: Network, gateways: Gateways) -> None:
    gateway = await gateways.open(own)
    load = Load(gateway.network(CHANNEL).contract("script"), "k")

    async with load.running():
        async with asyncio.timeout(SECONDS):
            await load.more(4)
        for organisation in ("org1", "org2"):
            component = own.chaincode_component("script", organisation)
            await asyncio.to_thread(own.kill, component)
            await asyncio.to_thread(own.restart, component)
            async with asyncio.timeout(SECONDS):
                await load.more(4)

    await load.check(gateway)


async def test_event_stream_goes_on_after_its_peer_was_killed(own: Network, gateways: Gateways) -> None:
    gateway = await gateways.open(own)
    channel = gateway.network(CHANNEL)
    contract = channel.contract("script")
    component = "devnet" if own.world is World.DEVNET else "peer0.org1"
    sent: list[str] = []
    seen: list[str] = []

    async def emit(count: int) -> None:
        for _ in range(count):
            name = f"event{len(sent)}"
            await contract.submit("Run", encode_steps([do.set_event(name, b"")]))
            sent.append(name)

    async with channel.chaincode_events("script") as events, asyncio.timeout(SECONDS):
        await emit(3)
        seen += [(await anext(events)).name for _ in range(3)]
        waiting = asyncio.create_task(anext(events))
        await asyncio.to_thread(own.kill, component)
        await asyncio.to_thread(own.restart, component)
        contract = (await gateways.open(own)).network(CHANNEL).contract("script")
        await emit(3)
        seen.append((await waiting).name)
        seen += [(await anext(events)).name for _ in range(2)]

    assert seen == sent
