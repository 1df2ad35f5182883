"""The exchange on a network of the chosen world."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.integration.exchange import CHAINCODE, enrol, opened_scene

from gridledger.client import Gateway
from gridledger.client.time_mark import TimeMarkAgent
from gridledger.exchange.demo.scene import Scene
from gridledger.model.roles import Role
from gridledger.network import Network


@pytest.fixture(scope="session")
async def exchange_network(network: Network) -> AsyncIterator[Network]:
    """Give the shared network with the contracts deployed, and an agent that keeps its time mark fresh."""
    await asyncio.to_thread(network.deploy, CHAINCODE, "gridledger.chaincode:GridLedger")
    connection = await asyncio.to_thread(enrol, network, "org1", "agent", Role.AGENT)
    async with Gateway.connect(connection) as gateway, TimeMarkAgent(gateway.network()):
        await _until_marked(network)
        yield network


async def _until_marked(network: Network) -> None:
    """Wait until each organisation's peer has a time mark."""
    for organisation in network.organisations:
        connection = network.connection(org=organisation.name, user="user1", chaincode=CHAINCODE)
        async with asyncio.timeout(60), Gateway.connect(connection) as gateway:
            contract = gateway.network().contract(CHAINCODE, "ledger")
            while await contract.evaluate("ReadTimeMark") in (b"", b"null"):  # noqa: ASYNC110 (a ledger's)
                await asyncio.sleep(0.1)


@pytest.fixture(scope="session")
async def scene(exchange_network: Network, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Give the demo's scene after its opening acts; tests share it and leave its databases as they were."""
    async with opened_scene(exchange_network, tmp_path_factory.mktemp("exchange") / "scene") as scene:
        yield scene
