"""Granted datasets by name: what is kept open, and for how long."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.chaincode.scene import Scene
from tests.unit.lake.ledger.sharing_lake import PeerLedger, SharingLake
from tests.unit.lake.payloads import meter_csv

from gridledger.chaincode import GridLedger
from gridledger.lake import LocalStore, Store
from gridledger.lake.dataset_path import DatasetPath
from gridledger.lake.ledger import granted_source
from gridledger.lake.ledger.granted_source import GrantedSource
from gridledger.model.sharing import PowerPlatform
from gridledger.shim.testing import MemoryPeer

PAYLOAD = meter_csv(400)


class Closing(LocalStore):
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
async def shared(folder: Path) -> AsyncIterator[SharingLake]:
    async with MemoryPeer(GridLedger()) as peer:
        yield await SharingLake.make(Scene.on(peer), folder)


async def test_versions_that_are_opened_again_use_one_store(
    shared: SharingLake, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Closing] = []

    def opening(_address: str) -> Store:
        opened.append(Closing(folder))
        return opened[-1]

    monkeypatch.setattr(granted_source, "open_store", opening)
    monkeypatch.setattr(time, "time_ns", lambda: shared.now_ms() * 1_000_000)
    await shared.store(PAYLOAD)
    await shared.ask(PowerPlatform.DISPATCHING)
    await shared.run(shared.owner_agent())
    application = shared.sharing.applications[PowerPlatform.DISPATCHING]
    request = shared.sharing.request(PowerPlatform.DISPATCHING)
    source = GrantedSource(
        PeerLedger(application, shared.events),
        request.application,
        shared.secrets[PowerPlatform.DISPATCHING],
    )
    path = DatasetPath(str(shared.sharing.dataset))
    first, second = await source._open(path), await source._open(path)
    first.close()
    assert second.reader.read() == first.reader.read() == PAYLOAD
    assert [store.is_closed for store in opened] == [False]
    source.close()
    assert [store.is_closed for store in opened] == [True]
