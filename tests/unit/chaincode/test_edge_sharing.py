"""The contract edge: sharing between storage nodes, and envelopes that are passed on into a lake."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.chaincode.edge_scene import EdgeScene, node_id
from tests.unit.chaincode.scene import Scene
from tests.unit.chaincode.sharing_scene import SharingScene

from gridledger.model.digest import Digest
from gridledger.model.edge_refusals import NotTheNode, ShareDiffers, ShareOver
from gridledger.model.edge_sharing import NodeRule, ShareContent, ShareProblem, ShareRequest
from gridledger.model.envelope import PassageEntry
from gridledger.model.errors import ModelError
from gridledger.model.exchange_refusals import Expired, NotTheAgent
from gridledger.model.lake_refusals import VersionNotStored
from gridledger.model.refusals import AlreadyExists, Conflict, NotFound

HOUR_MS = 3_600_000
CONTENT = ShareContent(count=2, digest=Digest.of(b"both"))
RULE = NodeRule(organisations=("Org2MSP",), purposes=("backup",), longest_ms=HOUR_MS)


@pytest.fixture
async def edge(empty: Scene) -> EdgeScene:
    return await EdgeScene.make(empty)


def request(edge: EdgeScene, nonce: str = "a" * 16, **changes: object) -> ShareRequest:
    made = ShareRequest(
        holder=node_id(edge.node),
        asker=node_id(edge.other_node),
        issuer=edge.system,
        period=1,
        purpose="backup",
        wanted_ms=HOUR_MS,
        made_ms=edge.scene.peer.time_ms,
        nonce=nonce,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def test_share_walks_from_policy_to_receipt(edge: EdgeScene) -> None:
    holder, asker = edge.node, edge.other_node
    policy = await holder.submit("edge:SetNodePolicy", node_id(holder), (RULE,))
    assert (await asker.ask("edge:GetNodePolicy", node_id(holder))) == policy
    asked = request(edge)
    decided = await asker.submit("edge:RequestShare", asked)
    assert decided.is_admitted
    with pytest.raises(AlreadyExists):
        await asker.submit("edge:RequestShare", asked)
    with pytest.raises(Conflict):
        await asker.submit("edge:DepositShareReceipt", asked.id, CONTENT)
    with pytest.raises(NotTheNode):
        await asker.submit("edge:GrantShare", asked.id, CONTENT)
    await holder.submit("edge:GrantShare", asked.id, CONTENT)
    with pytest.raises(AlreadyExists):
        await holder.submit("edge:GrantShare", asked.id, CONTENT)
    with pytest.raises(ShareDiffers):
        await asker.submit("edge:DepositShareReceipt", asked.id, replace(CONTENT, count=1))
    with pytest.raises(NotTheNode):
        await holder.submit("edge:DepositShareReceipt", asked.id, CONTENT)
    received = await asker.submit("edge:DepositShareReceipt", asked.id, CONTENT)
    with pytest.raises(AlreadyExists):
        await asker.submit("edge:DepositShareReceipt", asked.id, CONTENT)
    assert (received.granted, received.received) == (CONTENT, CONTENT)
    assert (await asker.ask("edge:ListShares", node_id(holder), "")).shares == (received,)


async def test_policy_decides_and_refusals_stand(edge: EdgeScene) -> None:
    holder, asker = edge.node, edge.other_node
    none = await asker.submit("edge:RequestShare", request(edge))
    assert none.problems == (ShareProblem.ORGANISATION,)
    await holder.submit("edge:SetNodePolicy", node_id(holder), (RULE,))
    for number, (changes, problem) in enumerate(
        (({"purpose": "resale"}, ShareProblem.PURPOSE), ({"wanted_ms": 2 * HOUR_MS}, ShareProblem.VALIDITY))
    ):
        asked = request(edge, nonce=f"{number:016}", **changes)
        assert (await asker.submit("edge:RequestShare", asked)).problems == (problem,)
        with pytest.raises(ShareOver):
            await holder.submit("edge:GrantShare", asked.id, CONTENT)
    with pytest.raises(Expired):
        await asker.submit("edge:RequestShare", request(edge, made_ms=edge.scene.peer.time_ms - HOUR_MS))
    with pytest.raises(NotTheNode):
        await holder.submit("edge:RequestShare", request(edge, nonce="b" * 16))
    with pytest.raises(NotTheNode):
        await asker.submit("edge:SetNodePolicy", node_id(holder), ())
    await edge.scene.administrator.submit("edge:RejectNode", node_id(holder), "lost")
    gone = await asker.submit("edge:RequestShare", request(edge, nonce="c" * 16))
    assert gone.problems == (ShareProblem.NODE,)


async def test_admitted_share_runs_out(edge: EdgeScene) -> None:
    await edge.node.submit("edge:SetNodePolicy", node_id(edge.node), (RULE,))
    asked = request(edge, wanted_ms=60_000)
    await edge.other_node.submit("edge:RequestShare", asked)
    edge.scene.peer.time_ms += 2 * 60_000
    await edge.scene.agent.submit("ledger:RenewTimeMark")
    with pytest.raises(ShareOver):
        await edge.node.submit("edge:GrantShare", asked.id, CONTENT)


async def test_stored_version_names_the_deposits_that_it_holds(empty: Scene) -> None:
    sharing = await SharingScene.make(empty)
    edge = await EdgeScene.make(empty, established=True)
    signed = edge.sign()
    await edge.node.submit("edge:DepositEnvelope", signed)
    entry = PassageEntry(dataset=sharing.dataset, number=1, deposits=(signed.statement.id,))
    with pytest.raises(NotFound):
        await sharing.owner.submit("edge:PassOn", entry)
    statement = sharing.statement()
    await sharing.owner.submit("lake:ProposeVersion", statement)
    with pytest.raises(VersionNotStored):
        await sharing.owner.submit("edge:PassOn", entry)
    await sharing.custodian.submit("lake:DepositReceipt", sharing.receipt(statement))
    with pytest.raises(NotFound):
        await sharing.owner.submit("edge:PassOn", replace(entry, deposits=("0" * 64,)))
    with pytest.raises(NotTheAgent):
        await edge.issuer.submit("edge:PassOn", entry)
    passage = await sharing.owner.submit("edge:PassOn", entry)
    assert passage.root == statement.root
    assert await edge.node.ask("edge:GetLakePassage", sharing.dataset, 1) == passage
    with pytest.raises(AlreadyExists):
        await sharing.owner.submit("edge:PassOn", entry)
    with pytest.raises(ModelError):
        replace(entry, deposits=())
