"""Whatever happens on the ledger, the model and the contract let the same viewers see the same fields."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from tests.unit.chaincode.scene import PLANT, ROLE, ROOT, field_entry
from tests.unit.readmodel.conftest import Watched

from gridledger.exchange.readmodel import Wanted, find_devices, find_fields
from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.change import DeviceChange, DeviceMove, FieldChange, SystemChange
from gridledger.model.device import FieldMetadata
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.period import Frequency
from gridledger.model.rights import RightsEntry, Withdrawal
from gridledger.model.search import Viewer
from gridledger.model.states import IdentifierState

Happening = Callable[[Watched], Awaitable[object]]


def monitoring(watched: Watched) -> SystemIdentifier:
    return watched.scene.systems["monitoring"]


def power(watched: Watched) -> FieldIdentifier:
    return watched.scene.device("monitoring").field("ac_power")


async def nothing(_: Watched) -> None:
    pass


async def suspend_system(watched: Watched) -> None:
    change = SystemChange(state=IdentifierState.SUSPENDED, reason="test")
    await watched.scene.auditor.submit("registry:ChangeSystem", monitoring(watched), change)


async def suspend_device(watched: Watched) -> None:
    change = DeviceChange(device=watched.scene.device("monitoring"), state=IdentifierState.SUSPENDED)
    await watched.scene.owners["monitoring"].submit("registry:ChangeDevices", monitoring(watched), (change,))


async def suspend_and_lift(watched: Watched) -> None:
    await suspend_device(watched)
    change = DeviceChange(device=watched.scene.device("monitoring"), state=IdentifierState.ACTIVE)
    await watched.scene.owners["monitoring"].submit("registry:ChangeDevices", monitoring(watched), (change,))


async def revoke_field(watched: Watched) -> None:
    change = FieldChange(field=power(watched), state=IdentifierState.REVOKED)
    await watched.scene.owners["monitoring"].submit("registry:ChangeFields", monitoring(watched), (change,))


async def rename_field(watched: Watched) -> None:
    metadata = FieldMetadata(
        title="有功功率", unit="kW", data_type="number", frequency=Frequency.DAY, roles=(ROLE,)
    )
    change = FieldChange(field=power(watched), metadata=metadata)
    await watched.scene.owners["monitoring"].submit("registry:ChangeFields", monitoring(watched), (change,))


async def admit_others(watched: Watched) -> None:
    entry = RightsEntry(field=power(watched), roles=("auditor",))
    await watched.scene.owners["monitoring"].submit("catalogue:SetFieldRoles", monitoring(watched), (entry,))


async def withdraw(watched: Watched) -> None:
    withdrawal = Withdrawal(
        application=watched.scene.systems["lifecycle"], system=monitoring(watched), names=("ac_power",)
    )
    await watched.scene.owners["monitoring"].submit("catalogue:WithdrawFields", withdrawal)


async def move_device(watched: Watched) -> None:
    device = watched.scene.device("monitoring")
    move = DeviceMove(device=device, to=device.system.device("MTR-NEW"))
    await watched.scene.owners["monitoring"].once("registry:MoveDevices", device.system, (move,))


async def change_prefix(watched: Watched) -> None:
    await watched.scene.auditor.submit("registry:ChangePrefix", monitoring(watched))


async def change_prefix_and_move(watched: Watched) -> None:
    system = await watched.scene.auditor.submit("registry:ChangePrefix", monitoring(watched))
    device = watched.scene.device("monitoring")
    move = DeviceMove(device=device, to=system.identifier.device(device.own_code))
    await watched.scene.owners["monitoring"].once("registry:MoveDevices", device.system, (move,))


async def move_and_withdraw_under_the_old_prefix(watched: Watched) -> None:
    await change_prefix_and_move(watched)
    await withdraw(watched)


async def withdraw_under_the_new_prefix(watched: Watched) -> None:
    old = monitoring(watched)
    await change_prefix_and_move(watched)
    new = (await watched.scene.auditor.ask("registry:GetSystem", old)).moved_to
    withdrawal = Withdrawal(application=watched.scene.systems["lifecycle"], system=new, names=("ac_power",))
    await watched.scene.owners["monitoring"].submit("catalogue:WithdrawFields", withdrawal)


async def suspend_moved_system(watched: Watched) -> None:
    old = monitoring(watched)
    await change_prefix(watched)
    new = (await watched.scene.auditor.ask("registry:GetSystem", old)).moved_to
    change = SystemChange(state=IdentifierState.SUSPENDED, reason="test")
    await watched.scene.auditor.submit("registry:ChangeSystem", new, change)


async def publish_more(watched: Watched) -> None:
    scene = watched.scene
    entry = field_entry("2050.15.003.BLK01.PAD01.MTR01", "energy", Frequency.DAY)
    await scene.owners["monitoring"].once("registry:RegisterFields", monitoring(watched), (entry,))
    await scene.aggregation.submit("catalogue:DepositAssociations", ROOT, (PLANT,))
    publication = PublicationEntry(
        application=scene.systems["lifecycle"],
        identity=PLANT,
        selectors=(Selector(system=monitoring(watched), name="energy"),),
    )
    await scene.aggregation.submit("catalogue:PublishFields", ROOT, publication)


@pytest.mark.parametrize(
    ("happening", "seen"),
    [
        (nothing, {"dc_size", "ac_power", "irradiance", "order_type"}),
        (suspend_system, {"dc_size", "order_type"}),
        (suspend_device, {"dc_size", "order_type"}),
        (suspend_and_lift, {"dc_size", "ac_power", "irradiance", "order_type"}),
        (revoke_field, {"dc_size", "irradiance", "order_type"}),
        (rename_field, {"dc_size", "ac_power", "irradiance", "order_type"}),
        (admit_others, {"dc_size", "irradiance", "order_type"}),
        (withdraw, {"dc_size", "irradiance", "order_type"}),
        (move_device, {"dc_size", "ac_power", "irradiance", "order_type"}),
        (change_prefix, {"dc_size", "ac_power", "irradiance", "order_type"}),
        (change_prefix_and_move, {"dc_size", "ac_power", "irradiance", "order_type"}),
        (move_and_withdraw_under_the_old_prefix, {"dc_size", "irradiance", "order_type"}),
        (withdraw_under_the_new_prefix, {"dc_size", "irradiance", "order_type"}),
        (suspend_moved_system, {"dc_size", "order_type"}),
        (publish_more, {"dc_size", "ac_power", "irradiance", "order_type", "energy"}),
    ],
)
async def test_model_and_contract_let_the_same_be_seen(
    watched: Watched, happening: Happening, seen: set[str]
) -> None:
    await happening(watched)
    watched.chain.feed(watched.model)
    assert watched.model.progress().unread == 0
    everything = find_fields(watched.model, Viewer(system=ROOT), Wanted(size=100)).fields
    fields = tuple(hit.field for hit in everything)
    for viewer, party in (
        (watched.worker(), watched.scene.application),
        (watched.owner("monitoring"), watched.scene.owners["monitoring"]),
        (Viewer(system=ROOT), watched.scene.auditor),
    ):
        found = {hit.field for hit in find_fields(watched.model, viewer, Wanted(size=100)).fields}
        if viewer == watched.owner("monitoring") and happening in (suspend_system, suspend_moved_system):
            # The ledger refuses a suspended system as a whole.
            continue
        views = await party.ask("search:ViewFields", viewer, fields)
        on_chain = {view.identifier for view in views if view.field is not None}
        if viewer == watched.worker():
            assert {one.name for one in found} == seen
        assert found == on_chain
        devices = find_devices(watched.model, viewer, Wanted(size=100))
        if devices.found:
            shown = await party.ask("search:ViewDevices", viewer, devices.found)
            assert [view.device is not None for view in shown] == [True] * len(devices.devices)


async def test_moved_device_is_found_by_its_new_code_and_its_old_one(watched: Watched) -> None:
    await move_device(watched)
    assert watched.find("MTR-NEW") == watched.find("MTR01") == ["ac_power", "irradiance"]
    owner = find_fields(watched.model, watched.owner("monitoring"), Wanted(words="MTR01"))
    assert {hit.device.state for hit in owner.fields} == {IdentifierState.ACTIVE, IdentifierState.REVOKED}
