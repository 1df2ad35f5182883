"""Scenes of the exchange on a peer in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.unit.chaincode.scene import Scene

from gridledger.chaincode import GridLedger
from gridledger.shim.testing import MemoryPeer


@pytest.fixture
async def empty() -> AsyncIterator[Scene]:
    """Give parties, and an empty ledger."""
    async with MemoryPeer(GridLedger()) as peer:
        yield Scene.on(peer)


@pytest.fixture
async def scene(empty: Scene) -> Scene:
    """Give a ledger with systems, devices, fields, a rule and deposits."""
    await empty.register_all()
    await empty.deposit()
    return empty
