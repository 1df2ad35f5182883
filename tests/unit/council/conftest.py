"""A peer in memory with the contracts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.unit.chaincode.scene import Scene

from gridledger.chaincode import GridLedger
from gridledger.shim.testing import MemoryPeer


@pytest.fixture
async def empty() -> AsyncIterator[Scene]:
    async with MemoryPeer(GridLedger()) as peer:
        yield Scene.on(peer)
