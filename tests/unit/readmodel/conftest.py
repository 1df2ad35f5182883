"""A read model of the contracts' scene."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.unit.chaincode.scene import ROLE, Scene
from tests.unit.readmodel.chain import Chain

from gridledger.chaincode import GridLedger
from gridledger.exchange.readmodel import ReadModel, Wanted, find_fields
from gridledger.model.search import Viewer
from gridledger.shim.testing import MemoryPeer


@dataclass
class Watched:
    """A scene, the chain of what it commits, and a model that follows it."""

    scene: Scene
    chain: Chain
    model: ReadModel

    def worker(self, role: str = ROLE) -> Viewer:
        return Viewer(system=self.scene.systems["lifecycle"], user="worker-7", user_role=role)

    def owner(self, name: str) -> Viewer:
        return Viewer(system=self.scene.systems[name])

    def find(self, words: str, viewer: Viewer | None = None, **wanted: Any) -> list[str]:
        """Feed the model, and return the names of the fields that are found."""
        self.chain.feed(self.model)
        hits = find_fields(self.model, viewer or self.worker(), Wanted(words=words, **wanted))
        return [hit.field.name for hit in hits.fields]


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """Give a ledger with systems, devices, fields, a rule and deposits, and a model of it."""
    async with MemoryPeer(GridLedger()) as peer:
        chain, scene = Chain.of(peer), Scene.on(peer)
        await scene.register_all()
        await scene.deposit()
        with ReadModel.feed(tmp_path / "model.db", channel="energy", chaincode="gridledger") as model:
            chain.feed(model)
            yield Watched(scene, chain, model)
