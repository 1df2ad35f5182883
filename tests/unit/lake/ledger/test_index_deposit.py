"""Indexes on the ledger: generations that only rise, rollbacks that are found, rights that count."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import Scene
from tests.unit.lake.ledger.sharing_lake import SharingLake
from tests.unit.lake.payloads import meter_csv

from gridledger.chaincode import GridLedger
from gridledger.lake.index import Index, Plan, Query, extract, planned
from gridledger.lake.ledger import IndexState, answer_for, check_index, deposit_index, granted_names
from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import NotTheAgent
from gridledger.model.lake_index import IndexStatement
from gridledger.model.lake_refusals import IndexOutOfTurn
from gridledger.model.refusals import NotFound
from gridledger.model.roles import Role
from gridledger.model.sharing import PowerPlatform
from gridledger.shim.testing import MemoryPeer

pytestmark = [pytest.mark.xdist_group("numba"), pytest.mark.timeout(600)]  # the first calls compile

MARKETING, DISTRIBUTION, DISPATCHING = PowerPlatform
PAYLOAD = meter_csv(96)


@pytest.fixture
async def shared(folder: Path) -> AsyncIterator[SharingLake]:
    async with MemoryPeer(GridLedger()) as peer:
        yield await SharingLake.make(Scene.on(peer), folder)


def plan() -> Plan:
    return planned("papers", "document/1", datasets="*", declared={"labels": "meters"})


def built(shared: SharingLake) -> Index:
    return Index.build(shared.lake, plan(), extract(shared.lake, plan()).entries, 1.0)


async def test_deposited_index_is_intact_grown_changed_or_rolled_back(shared: SharingLake) -> None:
    await shared.store(PAYLOAD)
    index, ledger, owner = built(shared), shared.owner_ledger, shared.sharing.dataset.system
    with pytest.raises(NotFound):
        await check_index(ledger, owner, index)
    deposited = await deposit_index(ledger, owner, index)
    assert deposited.statement.table == Digest.of(index.table.to_bytes())
    assert (await ledger.indexes(owner)).indexes == (deposited,)
    assert (await check_index(ledger, owner, index)).state is IndexState.INTACT
    first = list((shared.folder / "index").rglob("1.table"))
    kept = first[0].read_bytes()

    shared.lake.put("more.csv", io.BytesIO(meter_csv(10, seed=3)))
    index.add(extract(shared.lake, plan()).entries)
    assert (await check_index(ledger, owner, index)).state is IndexState.GROWN
    first[0].write_bytes(b"other")
    assert (await check_index(ledger, owner, index)).state is IndexState.CHANGED
    first[0].unlink()
    assert (await check_index(ledger, owner, index)).state is IndexState.NEWER

    await deposit_index(ledger, owner, index)
    with pytest.raises(IndexOutOfTurn):
        await deposit_index(ledger, owner, index)
    first[0].write_bytes(kept)
    for path in (shared.folder / "index").rglob("2.table"):
        path.unlink()
    rolled = Index.open(shared.lake, "papers")
    assert (await check_index(ledger, owner, rolled)).state is IndexState.ROLLED_BACK


async def test_index_of_somebody_else_is_refused(shared: SharingLake) -> None:
    statement = IndexStatement(
        owner=shared.sharing.dataset.system,
        name="theirs",
        generation=1,
        features="series/1",
        table=Digest.of(b"x"),
    )
    other = Party(shared.sharing.scene.peer, "Org2MSP", "other", Role.BUSINESS_SYSTEM)
    with pytest.raises(NotTheAgent):
        await other.submit("lake:DepositIndex", statement)


async def test_application_finds_what_it_was_granted_and_nothing_else(shared: SharingLake) -> None:
    await shared.store(PAYLOAD)
    shared.lake.put("secret.csv", io.BytesIO(meter_csv(10, seed=3)))
    index, ledger, owner = built(shared), shared.owner_ledger, shared.sharing.dataset.system
    application = shared.sharing.applications[DISPATCHING]
    decision = await shared.ask(DISPATCHING)
    identifier = decision.request.application
    query = Query(label="meters")
    now = shared.now_ms()
    assert await granted_names(ledger, owner, identifier, now_ms=now) == frozenset()
    assert (await answer_for(ledger, owner, identifier, index, query, now_ms=now)).matches == ()
    await shared.run(shared.owner_agent())
    answer = await answer_for(ledger, owner, identifier, index, query, now_ms=now)
    assert {match.entry.location.dataset for match in answer.matches} == {shared.sharing.dataset.name}
    assert len(index.query(query).matches) == 2
    later = (decision.valid_until_ms or 0) + 1
    assert (await answer_for(ledger, owner, identifier, index, query, now_ms=later)).matches == ()
    assert application is not None
