"""The contract edge: storage nodes, receivers, side devices, periods and their keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.chaincode.edge_scene import KEYS_EACH, EdgeScene, node_id
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROOT, Scene

from gridledger.crypto.cryptonote import edwards
from gridledger.crypto.cryptonote.stealth import SpendSecret
from gridledger.edge.sealed_record import publish_address
from gridledger.model.edge import NodeEntry, SideDeviceEntry
from gridledger.model.edge_refusals import PeriodClosed
from gridledger.model.errors import ModelError
from gridledger.model.exchange_refusals import NotActive, NotTheAgent
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, Conflict
from gridledger.model.roles import Role
from gridledger.model.states import ApplicationState

LOW_ORDER = (0).to_bytes(32, "little")
"""A point of order 4."""


@pytest.fixture
async def edge(empty: Scene) -> EdgeScene:
    return await EdgeScene.make(empty)


async def test_node_registers_is_approved_removed_and_registers_again(edge: EdgeScene) -> None:
    administrator, node = edge.scene.administrator, node_id(edge.node)
    entry = NodeEntry(name="moved", server="http://moved.example")
    with pytest.raises(AlreadyExists):
        await edge.node.submit("edge:RegisterNode", ROOT, entry)
    with pytest.raises(Conflict):
        await administrator.submit("edge:ApproveNode", node)

    removed = await administrator.submit("edge:RejectNode", node, "burnt down")
    assert (removed.state, removed.reason) == (ApplicationState.REJECTED, "burnt down")
    again = await edge.node.submit("edge:RegisterNode", ROOT, entry)
    assert again.state is ApplicationState.APPLIED

    page = await edge.node.ask("edge:ListNodes", ROOT, "")
    assert {one.id: one.state for one in page.nodes} == {
        node: ApplicationState.APPLIED,
        node_id(edge.other_node): ApplicationState.APPROVED,
    }
    assert (await edge.node.ask("edge:GetNode", node)).entry == entry


async def test_administrator_of_another_organisation_decides_nothing(edge: EdgeScene) -> None:
    foreign = Party(edge.scene.peer, "Org2MSP", "foreign", Role.PLATFORM_ADMINISTRATOR)
    with pytest.raises(AccessDenied):
        await foreign.submit("edge:RejectNode", node_id(edge.node), "mine now")


async def test_receiver_publishes_its_address_and_replaces_it(edge: EdgeScene) -> None:
    for secret in (SpendSecret.generate(), SpendSecret.generate()):
        await edge.issuer.submit("edge:SetReceiver", edge.system, publish_address(secret.address))
        found = await edge.node.ask("edge:GetReceiver", edge.system)
        assert found.address == publish_address(secret.address)
    other = Party(edge.scene.peer, "Org2MSP", "other", Role.DATA_APPLICATION)
    with pytest.raises(NotTheAgent):
        await other.submit("edge:SetReceiver", edge.system, found.address)


@pytest.mark.parametrize("field", ["view_key", "spend_key"])
async def test_address_out_of_the_group_is_refused(edge: EdgeScene, field: str) -> None:
    address = publish_address(SpendSecret.generate().address)
    for point in (LOW_ORDER, bytes([2]) + bytes(31), with_torsion(address.spend_key)):
        with pytest.raises(BadArgument):
            await edge.issuer.submit("edge:SetReceiver", edge.system, replace(address, **{field: point}))


async def test_side_devices_are_active_devices_of_the_issuer_each_once(edge: EdgeScene) -> None:
    again = edge.entries()[:1]
    with pytest.raises(AlreadyExists):
        await edge.issuer.submit("edge:RegisterSideDevices", edge.system, again)
    address = again[0].address
    unknown = SideDeviceEntry(device=edge.system.device("nowhere"), address=address)
    with pytest.raises(NotActive):
        await edge.issuer.submit("edge:RegisterSideDevices", edge.system, (unknown,))
    foreign = SideDeviceEntry(device=ROOT.device("house-1"), address=address)
    with pytest.raises(AccessDenied):
        await edge.issuer.submit("edge:RegisterSideDevices", edge.system, (foreign,))
    with pytest.raises(BadArgument):
        await edge.issuer.submit("edge:RegisterSideDevices", edge.system, ())

    await edge.register_devices(first=7, count=1)
    entry = SideDeviceEntry(device=edge.system.device("house-7"), address=address)
    with pytest.raises(BadArgument):
        await edge.issuer.submit("edge:RegisterSideDevices", edge.system, (entry, entry))
    grown = await edge.issuer.submit("edge:RegisterSideDevices", edge.system, (entry,))
    assert grown.devices == len(edge.secrets) + 1
    page = await edge.node.ask("edge:ListSideDevices", edge.system, "")
    assert len(page.devices) == grown.devices
    assert (await edge.node.ask("edge:GetEdgeRegister", edge.system)) == grown
    assert (await edge.node.ask("edge:GetSideDevice", entry.device)).entry == entry


async def test_every_device_finds_as_many_keys(edge: EdgeScene) -> None:
    assert [len(one) for one in edge.owned] == [KEYS_EACH] * len(edge.secrets)
    assert sorted(place for one in edge.owned for place in one) == list(range(len(edge.keys)))
    page = await edge.node.ask("edge:ListMembershipKeys", edge.system, 1, "")
    assert (page.first, page.keys, page.bookmark) == (0, edge.keys, "")
    (batch,) = (await edge.node.ask("edge:ListIssuedBatches", edge.system, 1, "")).batches
    assert batch.batch.count == len(edge.keys)


async def test_period_opens_with_all_of_its_keys_only(edge: EdgeScene) -> None:
    issuer, system = edge.issuer, edge.system
    planned = await issuer.submit("edge:PlanPeriod", edge.period(number=2))
    assert planned.opened_ms is None
    with pytest.raises(AlreadyExists):
        await issuer.submit("edge:PlanPeriod", edge.period(number=2))
    with pytest.raises(PeriodClosed):
        await issuer.submit("edge:OpenPeriod", system, 2)
    batch = edge.batch()
    short = replace(batch, keys=batch.keys[:-1], view_tags=batch.view_tags[:-1])
    for wrong in (short, replace(batch, first=1)):
        with pytest.raises(PeriodClosed):
            await issuer.submit("edge:IssueKeys", system, 2, wrong)
    torsion = replace(batch, keys=(with_torsion(batch.keys[0]), *batch.keys[1:]))
    with pytest.raises(BadArgument):
        await issuer.submit("edge:IssueKeys", system, 2, torsion)

    await issuer.submit("edge:IssueKeys", system, 2, batch)
    with pytest.raises(AlreadyExists):
        await issuer.submit("edge:IssueKeys", system, 2, edge.batch())
    opened = await issuer.submit("edge:OpenPeriod", system, 2)
    assert opened.opened_ms is not None
    with pytest.raises(AlreadyExists):
        await issuer.submit("edge:OpenPeriod", system, 2)
    with pytest.raises(PeriodClosed):
        await issuer.submit("edge:IssueKeys", system, 2, batch)
    assert (await edge.node.ask("edge:GetMembershipPeriod", system, 2)) == opened


async def test_period_is_for_all_side_devices_alike(edge: EdgeScene) -> None:
    with pytest.raises(PeriodClosed):
        await edge.issuer.submit("edge:PlanPeriod", edge.period(number=2, devices=len(edge.secrets) + 1))
    with pytest.raises(ModelError):
        edge.period(ring_size=len(edge.secrets) + 1)
    with pytest.raises(ModelError):
        edge.period(ends_ms=0)
    with pytest.raises(ModelError):
        replace(edge.batch(), keys=(edge.keys[0],) * len(edge.keys))


def with_torsion(point: bytes) -> bytes:
    """Add a point of order 4 to a point."""
    decoded, low = edwards.decode(point), edwards.decode(LOW_ORDER)
    assert decoded is not None
    assert low is not None
    return edwards.encode(edwards.add(decoded, low))
