"""One edge for all tests of it in a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.integration.edge.edge_world import EdgeWorld, edge_world

from gridledger.network import Network


@pytest.fixture(scope="session")
async def edge(
    exchange_network: Network, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EdgeWorld]:
    folder = tmp_path_factory.mktemp("edge")
    async with edge_world(exchange_network, folder, ("88.9342", "88.9442"), "edge") as world:
        yield world
