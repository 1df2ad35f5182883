"""The contract `search`: what of found fields and devices a viewer may see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROLE, ROOT, Scene, field_entry

from gridledger.chaincode.ledger_key import device_key, system_key
from gridledger.model.change import DeviceChange, FieldChange, SystemChange
from gridledger.model.errors import ContractError
from gridledger.model.exchange_refusals import NotActive, NotTheAgent
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.lifecycle import Validity
from gridledger.model.period import Frequency
from gridledger.model.refusals import AccessDenied, BadArgument, LimitExceeded, NotFound
from gridledger.model.roles import Role
from gridledger.model.search import MAX_VIEWED, FoundDevice, Viewer
from gridledger.model.states import IdentifierState


def worker(scene: Scene, **changes: Any) -> Viewer:
    viewer = Viewer(system=scene.systems["lifecycle"], user="worker-7", user_role=ROLE)
    return replace(viewer, **changes)


def all_fields(scene: Scene) -> tuple[FieldIdentifier, ...]:
    return tuple(field for fields in scene.fields().values() for field in fields)


async def seen(party: Party, viewer: Viewer, fields: tuple[FieldIdentifier, ...]) -> list[str]:
    views = await party.ask("search:ViewFields", viewer, fields)
    assert [view.identifier for view in views] == list(fields)
    return [view.identifier.name for view in views if view.field is not None]


async def seen_devices(party: Party, viewer: Viewer, found: tuple[FoundDevice, ...]) -> list[str]:
    views = await party.ask("search:ViewDevices", viewer, found)
    return [str(view.identifier) for view in views if view.device is not None]


async def test_application_sees_published_fields_that_admit_the_role(scene: Scene) -> None:
    fields = all_fields(scene)
    assert await seen(scene.application, worker(scene), fields) == [field.name for field in fields]
    unknown = scene.device("monitoring").field("of_tomorrow")
    assert await seen(scene.application, worker(scene), (unknown, fields[0])) == [fields[0].name]


async def test_unpublished_and_other_role_s_fields_are_not_seen(scene: Scene) -> None:
    system = scene.systems["construction"]
    entries = (
        field_entry("R27", "unpublished", Frequency.ONCE),
        field_entry("R27", "dc_other", Frequency.ONCE, "accountant"),
    )
    await scene.owners["construction"].once("registry:RegisterFields", system, entries)
    fields = tuple(scene.device("construction").field(name) for name in ("unpublished", "dc_other"))
    assert await seen(scene.application, worker(scene), fields) == []
    owner = Viewer(system=system)
    assert await seen(scene.owners["construction"], owner, fields) == ["unpublished", "dc_other"]


async def test_suspended_field_is_not_seen_by_applications(scene: Scene) -> None:
    field = scene.device("monitoring").field("ac_power")
    change = FieldChange(field=field, state=IdentifierState.SUSPENDED)
    (result,) = await scene.owners["monitoring"].submit("registry:ChangeFields", field.system, (change,))
    assert result.accepted
    assert await seen(scene.application, worker(scene), (field,)) == []
    assert await seen(scene.aggregation, Viewer(system=ROOT), (field,)) == ["ac_power"]


async def test_nothing_of_a_suspended_or_expired_system_is_seen_by_applications(scene: Scene) -> None:
    device = scene.device("monitoring")
    field, found = device.field("ac_power"), FoundDevice(device=device, field=device.field("ac_power"))
    now_ms = scene.peer.time_ms
    changes: list[tuple[dict[str, Any], list[str]]] = [
        ({"state": IdentifierState.SUSPENDED}, []),
        ({"state": IdentifierState.ACTIVE}, ["ac_power"]),
        ({"validity": Validity(until_ms=now_ms - 60_000)}, []),
        ({"validity": Validity(from_ms=now_ms + 60_000)}, []),
        ({"validity": Validity(until_ms=now_ms + 60_000)}, ["ac_power"]),
        ({"state": IdentifierState.REVOKED}, []),
    ]
    for changed, names in changes:
        change = SystemChange(**changed, reason="under review")
        await scene.auditor.submit("registry:ChangeSystem", device.system, change)
        assert await seen(scene.application, worker(scene), (field,)) == names
        assert len(await seen_devices(scene.application, worker(scene), (found,))) == len(names)
        assert await seen(scene.aggregation, Viewer(system=ROOT), (field,)) == ["ac_power"]


async def test_fields_of_a_suspended_device_are_not_seen_by_applications(scene: Scene) -> None:
    device = scene.device("monitoring")
    field, found = device.field("ac_power"), FoundDevice(device=device, field=device.field("ac_power"))
    owner = scene.owners["monitoring"]

    async def put_in(state: IdentifierState) -> None:
        one = DeviceChange(device=device, state=state)
        (result,) = await owner.submit("registry:ChangeDevices", device.system, (one,))
        assert result.accepted

    await put_in(IdentifierState.SUSPENDED)
    assert await seen(scene.application, worker(scene), (field,)) == []
    assert await seen_devices(scene.application, worker(scene), (found,)) == []
    assert await seen(owner, Viewer(system=device.system), (field,)) == ["ac_power"]
    (late,) = await owner.once(
        "registry:RegisterFields", device.system, (field_entry(device.own_code, "late", Frequency.DAY),)
    )
    assert late.accepted
    row = await owner.ask("registry:GetField", device.field("late"))
    assert (row.state, row.device_state) == (IdentifierState.ACTIVE, IdentifierState.SUSPENDED)

    await put_in(IdentifierState.ACTIVE)
    assert await seen(scene.application, worker(scene), (field,)) == ["ac_power"]
    assert (await owner.ask("registry:GetField", device.field("late"))).device_state is None

    await put_in(IdentifierState.SUSPENDED)
    await put_in(IdentifierState.REVOKED)
    assert await seen(scene.application, worker(scene), (field,)) == []


async def test_devices_that_take_too_many_fields_along_are_refused_one_by_one(scene: Scene) -> None:
    owner, device = scene.owners["monitoring"], scene.device("monitoring")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gridledger.chaincode.identifier_changes.MAX_BATCH_ITEMS", 2)
        for change, code in (
            (DeviceChange(device=device, state=IdentifierState.SUSPENDED), LimitExceeded.code),
            (DeviceChange(device=device, name="Meter 7"), None),
        ):
            (result,) = await owner.submit("registry:ChangeDevices", device.system, (change,))
            assert result.code == code


async def test_owner_sees_its_own_alone_and_the_platform_all(scene: Scene) -> None:
    fields = all_fields(scene)
    own = Viewer(system=scene.systems["monitoring"])
    assert await seen(scene.owners["monitoring"], own, fields) == ["ac_power", "irradiance"]
    everything = [field.name for field in fields]
    for party in (scene.aggregation, scene.auditor, scene.administrator):
        assert await seen(party, Viewer(system=ROOT), fields) == everything


async def test_devices_are_seen_by_a_field_that_is_seen(scene: Scene) -> None:
    device = scene.device("monitoring")
    found = FoundDevice(device=device, field=device.field("ac_power"))
    assert await seen_devices(scene.application, worker(scene), (found,)) == [str(device)]
    other = FoundDevice(device=device, field=device.field("of_tomorrow"))
    assert await seen_devices(scene.application, worker(scene), (other,)) == []
    assert await seen_devices(scene.application, worker(scene), (FoundDevice(device=device),)) == []
    own = Viewer(system=device.system)
    theirs = (FoundDevice(device=device), FoundDevice(device=scene.device("construction")))
    assert await seen_devices(scene.owners["monitoring"], own, theirs) == [str(device)]
    key = device_key(device).to_text()
    state = scene.peer.ledger.state
    record = device_key(device).record_type.from_bytes(state["", key])
    state["", key] = replace(record, state=IdentifierState.ALLOCATED).to_bytes()
    assert await seen_devices(scene.application, worker(scene), (found,)) == []


async def test_viewer_that_the_caller_is_not_is_refused(scene: Scene) -> None:
    fields = all_fields(scene)
    refusals: list[tuple[Party, Viewer, type[ContractError]]] = [
        (scene.owners["monitoring"], worker(scene), NotTheAgent),
        (scene.application, Viewer(system=scene.systems["monitoring"]), NotTheAgent),
        (scene.application, Viewer(system=ROOT), NotTheAgent),
        (scene.application, worker(scene, user_role="auditor"), AccessDenied),
        (scene.application, worker(scene, user="nobody"), NotFound),
        (scene.application, worker(scene, user=None, user_role=None), BadArgument),
        (scene.auditor, Viewer(system=scene.systems["monitoring"]), AccessDenied),
        (Party(scene.peer, "Org2MSP", "auditor-2", Role.AUDITOR), Viewer(system=ROOT), AccessDenied),
    ]
    for party, viewer, refusal in refusals:
        with pytest.raises(refusal):
            await party.ask("search:ViewFields", viewer, fields)
        with pytest.raises(refusal):
            await party.ask("search:ViewDevices", viewer, (FoundDevice(device=scene.device("monitoring")),))


async def test_suspended_application_and_too_many_fields_are_refused(scene: Scene) -> None:
    field = scene.device("monitoring").field("ac_power")
    with pytest.raises(LimitExceeded):
        await seen(scene.application, worker(scene), (field,) * (MAX_VIEWED + 1))
    with pytest.raises(BadArgument):
        await seen(scene.application, worker(scene), ())
    key = system_key(scene.systems["lifecycle"])
    state = scene.peer.ledger.state
    record = key.record_type.from_bytes(state["", key.to_text()])
    state["", key.to_text()] = replace(record, state=IdentifierState.SUSPENDED).to_bytes()
    with pytest.raises(NotActive):
        await seen(scene.application, worker(scene), (field,))
