"""Moves of devices and prefixes: old identifiers lead to the new ones, and both histories remain."""

from __future__ import annotations

import pytest
from tests.unit.chaincode.scene import METER, PLANT, ROOT, Scene, field_entry

from gridledger.model.change import DeviceMove
from gridledger.model.device import MAX_BATCH_ITEMS, MAX_MOVES, DeviceEntry, ItemResult
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import NotActive, NotTheAgent
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier
from gridledger.model.notice import DevicesMoved
from gridledger.model.period import Frequency
from gridledger.model.refusals import AccessDenied, AlreadyExists, LimitExceeded, NotFound
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.states import IdentifierState

NEW = "MTR-27-A"


async def move(scene: Scene, *pairs: tuple[DeviceIdentifier, DeviceIdentifier]) -> tuple[ItemResult, ...]:
    moves = tuple(DeviceMove(device=device, to=to) for device, to in pairs)
    party = scene.owners["monitoring"]
    found: tuple[ItemResult, ...] = await party.once(
        "registry:MoveDevices", scene.systems["monitoring"], moves
    )
    return found


async def register(scene: Scene, *own_codes: str) -> list[DeviceIdentifier]:
    system = scene.systems["monitoring"]
    entries = tuple(DeviceEntry(own_code=code, name="meter", kind="meter") for code in own_codes)
    results = await scene.owners["monitoring"].once("registry:RegisterDevices", system, entries)
    assert all(result.accepted for result in results), results
    return [system.device(code) for code in own_codes]


async def test_renamed_device_is_found_under_both_codes_with_its_fields_and_prices(scene: Scene) -> None:
    old, new = scene.device("monitoring"), scene.systems["monitoring"].device(NEW)
    (result,) = await move(scene, (old, new))
    assert (result.code, result.identifier) == (None, str(new))

    ask = scene.application.ask
    device = await ask("registry:GetDevice", old)
    assert (device.identifier, device.former, device.state) == (new, (old,), IdentifierState.ACTIVE)
    assert await ask("registry:GetDevice", new) == device
    field = await ask("registry:GetField", old.field("ac_power"))
    assert field.identifier == new.field("ac_power")
    price = await ask("registry:GetChargingStandard", old.field("ac_power"))
    assert (price.field, price.price_milliyuan) == (new.field("ac_power"), 1200)
    listed = (await ask("registry:ListDevices", scene.systems["monitoring"], "")).devices
    assert {one.identifier: (one.state, one.moved_to) for one in listed} == {
        old: (IdentifierState.REVOKED, new),
        new: (IdentifierState.ACTIVE, None),
    }


async def test_both_histories_remain_readable(scene: Scene) -> None:
    old, new = scene.device("monitoring"), scene.systems["monitoring"].device(NEW)
    await move(scene, (old, new))

    by_old = await scene.application.ask("registry:GetDeviceHistory", old)
    assert by_old == await scene.application.ask("registry:GetDeviceHistory", new)
    states = [(one.device.identifier, one.device.state, one.device.moved_to) for one in by_old]
    assert states == [
        (new, IdentifierState.ACTIVE, None),
        (old, IdentifierState.REVOKED, new),
        (old, IdentifierState.ACTIVE, None),  # its fields were registered
        (old, IdentifierState.ACTIVE, None),  # approved
        (old, IdentifierState.ALLOCATED, None),
    ]
    fields = await scene.application.ask("registry:GetFieldHistory", old.field("ac_power"))
    assert [one.field.identifier.device for one in fields] == [new, old, old]
    prices = await scene.application.ask("registry:GetChargingStandardHistory", new.field("ac_power"))
    assert [one.standard.field.device for one in prices] == [new, old]


async def test_resolution_follows_an_old_label_and_the_association_has_the_new_code(scene: Scene) -> None:
    old, new = scene.device("monitoring"), scene.systems["monitoring"].device(NEW)
    await move(scene, (old, new))

    association = await scene.application.ask("catalogue:GetAssociation", ROOT, PLANT)
    assert new in [member.device for member in association.members]
    assert old not in [member.device for member in association.members]
    assert association.revision == 2
    declared = await scene.application.ask("catalogue:GetCommonIdentity", ROOT, PLANT)
    assert new in declared.devices
    assert old not in declared.devices
    for label in (old, new):
        decided = await scene.application.ask("resolution:Decide", scene.request(device=label))
        fields = [field.field for target in decided.targets for field in target.fields]
        assert new.field("ac_power") in fields


async def test_moves_are_refused_item_by_item(scene: Scene) -> None:
    system = scene.systems["monitoring"]
    one, other, third, revoked = await register(scene, "a", "b", "c", "d")
    await move(scene, (third, system.device("c2")))

    results = await move(
        scene,
        (one, other),
        (system.device("unknown"), system.device("x")),
        (third, system.device("x")),
        (one, third),
        (one, SystemIdentifier("88.1042.99").device("x")),
        (scene.device("construction"), system.device("x")),
        (one, system.device("x")),
        (one, system.device("y")),
        (other, system.device("x")),
        (revoked, system.device("z")),
    )

    assert [result.code for result in results] == [
        AlreadyExists.code,
        NotFound.code,
        IdentifierMoved.code,
        AlreadyExists.code,  # a used identifier is never free again, so there are no circles
        NotTheAgent.code,
        NotTheAgent.code,
        None,
        AlreadyExists.code,
        AlreadyExists.code,
        None,
    ]


async def test_identifier_moves_a_bounded_number_of_times(scene: Scene) -> None:
    system = scene.systems["monitoring"]
    (first,) = (current,) = await register(scene, "code-0")
    for number in range(1, MAX_MOVES + 1):
        following = system.device(f"code-{number}")
        (result,) = await move(scene, (current, following))
        assert result.accepted, result
        current = following

    (result,) = await move(scene, (current, system.device("code-9")))
    assert result.code == LimitExceeded.code
    device = await scene.application.ask("registry:GetDevice", first)
    assert device.identifier == current
    assert len(device.former) == MAX_MOVES


async def test_fields_count_as_items_of_the_batch(scene: Scene) -> None:
    system, party = scene.systems["monitoring"], scene.owners["monitoring"]
    devices = await register(scene, *(f"m{number}" for number in range(9)))
    for device in devices:
        entries = tuple(field_entry(device.own_code, f"f{i}", Frequency.DAY) for i in range(250))
        results = await party.once("registry:RegisterFields", system, entries)
        assert all(result.accepted for result in results)

    results = await move(scene, *((device, system.device(f"new-{device.own_code}")) for device in devices))

    fitting = MAX_BATCH_ITEMS // 251
    assert [result.code for result in results] == [None] * fitting + [LimitExceeded.code] * (9 - fitting)


async def test_nothing_is_registered_under_a_moved_identifier(scene: Scene) -> None:
    old, new = scene.device("monitoring"), scene.systems["monitoring"].device(NEW)
    await move(scene, (old, new))
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]

    (result,) = await party.once(
        "registry:RegisterFields", system, (field_entry(METER, "late", Frequency.DAY),)
    )
    assert result.code == IdentifierMoved.code
    entry = DeviceEntry(own_code=METER, name="again", kind="meter")
    (result,) = await party.once("registry:RegisterDevices", system, (entry,))
    assert result.code == AlreadyExists.code


async def test_event_names_old_and_new_identifiers(scene: Scene) -> None:
    old, new = scene.device("monitoring"), scene.systems["monitoring"].device(NEW)
    moves = (DeviceMove(device=old, to=new),)
    committed = await scene.owners["monitoring"].commit(
        "registry:MoveDevices", "key-1", scene.systems["monitoring"], moves
    )

    assert committed.event is not None
    name, payload = committed.event
    assert name == Event.DEVICES_MOVED
    assert DevicesMoved.from_bytes(payload).moves == moves


async def test_prefix_changes_and_devices_move_below_the_new_one(scene: Scene) -> None:
    old = scene.systems["monitoring"]
    party = scene.owners["monitoring"]
    changed = await scene.auditor.submit("registry:ChangePrefix", old)
    new = changed.identifier
    assert (changed.former, str(new)) == ((old,), "88.1042.5")
    known = await scene.application.ask("registry:GetSystem", old)
    assert (known.moved_to, known.state) == (new, IdentifierState.ACTIVE)
    application = await party.ask("registry:GetApplication", changed.agent.key_id)
    assert application.system == new

    entry = DeviceEntry(own_code="late", name="late", kind="meter")
    with pytest.raises(IdentifierMoved):
        await party.once("registry:RegisterDevices", old, (entry,))
    results = await party.once("registry:RegisterDevices", new, (entry,))
    assert results[0].identifier == f"{new}/late"
    (back, moved) = await move(
        scene,
        (scene.device("monitoring"), old.device("renamed")),
        (scene.device("monitoring"), new.device(METER)),
    )
    assert (back.code, moved.code) == (IdentifierMoved.code, None)

    # Rule and publication name the old prefix, and count for the new one.
    decided = await scene.application.ask("resolution:Decide", scene.request())
    assert new in [target.system for target in decided.targets]
    assert old not in [target.system for target in decided.targets]
    history = await scene.application.ask("registry:GetSystemHistory", new)
    assert [one.system.identifier for one in history] == [new, old, old]


async def test_prefix_change_is_the_platforms_and_of_business_systems(scene: Scene) -> None:
    with pytest.raises(AccessDenied):
        await scene.auditor.submit("registry:ChangePrefix", scene.systems["lifecycle"])
    await scene.auditor.submit("registry:ChangePrefix", scene.systems["monitoring"])
    with pytest.raises(IdentifierMoved):
        await scene.auditor.submit("registry:ChangePrefix", scene.systems["monitoring"])


async def test_suspension_reaches_the_prefixes_that_a_system_had(scene: Scene) -> None:
    from gridledger.model.change import SystemChange

    old = scene.systems["monitoring"]
    new = (await scene.auditor.submit("registry:ChangePrefix", old)).identifier
    change = SystemChange(state=IdentifierState.SUSPENDED, reason="under review")
    with pytest.raises(IdentifierMoved):
        await scene.auditor.submit("registry:ChangeSystem", old, change)
    await scene.auditor.submit("registry:ChangeSystem", new, change)

    assert (await scene.application.ask("registry:GetSystem", old)).state is IdentifierState.SUSPENDED
    with pytest.raises(NotActive):
        await move(scene, (scene.device("monitoring"), new.device(METER)))
