"""The exchange on a network of the chosen world."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.integration.exchange import CHAINCODE, CHAINCODE_VARIABLE, deployed, opened_scene

from gridledger.exchange.demo.scene import Scene
from gridledger.network import Network


@pytest.fixture(scope="session")
async def exchange_network(network: Network) -> AsyncIterator[Network]:
    """Give the shared network with the contracts deployed, and an agent that keeps its time mark fresh."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(CHAINCODE_VARIABLE, CHAINCODE)
        async with deployed(network):
            yield network


@pytest.fixture(scope="session")
async def scene(exchange_network: Network, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """Give the demo's scene after its opening acts; tests share it and leave its databases as they were."""
    async with opened_scene(exchange_network, tmp_path_factory.mktemp("exchange") / "scene") as scene:
        yield scene
