"""Keys made once; a network in memory a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.devnet.contract import keeper
from tests.unit.devnet.kit import Net, open_net
from tests.unit.devnet.messages import both, make_material

from gridledger.network.material import OrganisationMaterial


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> list[OrganisationMaterial]:
    """Return two peer organisations and the orderer's."""
    return make_material(tmp_path_factory.mktemp("material") / "organizations")


@pytest.fixture
async def net(tmp_path: Path, material: list[OrganisationMaterial]) -> AsyncIterator[Net]:
    """Return a network without chaincode."""
    opened = await open_net(tmp_path, material)
    yield opened
    await opened.close()


@pytest.fixture
async def deployed(net: Net) -> Net:
    """Return a network with the chaincode `keeper`, which both organisations endorse."""
    await net.deploy("keeper", keeper, policy=both())
    return net
