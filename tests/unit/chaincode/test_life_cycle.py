"""The life cycle of identifiers: the table of LEDGER.md, cell by cell, by calls; validity; what resolves."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import ROLE, ROOT, Scene

from gridledger.chaincode.ledger_key import device_key
from gridledger.model.change import DeviceChange, FieldChange, SystemChange
from gridledger.model.device import DeviceApproval, DeviceEntry, FieldMetadata, ObjectClass
from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import NotActive, NotTheAgent, TooFewSystems
from gridledger.model.lifecycle import ENTRY_STATES, TRANSITIONS, Actor, Validity
from gridledger.model.period import Frequency
from gridledger.model.refusals import AccessDenied, AlreadyExists, NotFound
from gridledger.model.registry_refusals import TransitionRefused
from gridledger.model.roles import Role
from gridledger.model.states import IdentifierState

_LEDGER = Path(__file__).parents[3] / "chaincode" / "LEDGER.md"
_APPROVAL = "approval"
NOT_IN_FORCE = [{"state": IdentifierState.SUSPENDED}, {"validity": Validity(until_ms=1)}]


def table() -> dict[tuple[IdentifierState, IdentifierState], set[str]]:
    text = _LEDGER.read_text("utf-8")
    match = re.search(r"<!-- life cycle -->\n(.*?)<!-- /life cycle -->", text, re.DOTALL)
    assert match is not None
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in match[1].splitlines()]
    return {
        (IdentifierState(row[0]), IdentifierState(column)): set(filter(None, cell.split(", ")))
        for row in rows
        for column, cell in zip(head[1:], row[1:], strict=True)
    }


TABLE = table()


def test_table_of_the_document_is_that_of_the_code() -> None:
    documented = {
        cell: {Actor(who) for who in actors} for cell, actors in TABLE.items() if actors - {_APPROVAL}
    }
    assert documented == {cell: set(actors) for cell, actors in TRANSITIONS.items()}
    assert TABLE.keys() == {(one, other) for one in IdentifierState for other in IdentifierState}


async def put_in_state(scene: Scene, state: IdentifierState) -> None:
    """Bring the meter into a state behind the contract's back."""
    key = device_key(scene.device("monitoring"))
    device = await scene.application.ask("registry:GetDevice", scene.device("monitoring"))
    placed = replace(device, state=state, suspended_by=None)
    scene.peer.ledger.state["", key.to_text()] = placed.to_bytes()


async def change(scene: Scene, party: Party, **changes: Any) -> str | None:
    one = DeviceChange(device=scene.device("monitoring"), **changes)
    (result,) = await party.submit("registry:ChangeDevices", scene.systems["monitoring"], (one,))
    return result.code  # type: ignore[no-any-return]


@pytest.mark.parametrize("before", list(IdentifierState))
async def test_every_cell_by_calls_of_both_actors(scene: Scene, before: IdentifierState) -> None:
    parties = {Actor.OWNER: scene.owners["monitoring"], Actor.PLATFORM: scene.auditor}
    for after in IdentifierState:
        for actor, party in parties.items():
            await put_in_state(scene, before)
            code = await change(scene, party, state=after, reason="test")
            expected = None if actor.value in TABLE[before, after] else TransitionRefused.code
            assert code == expected, (before, after, actor)
        await put_in_state(scene, before)
        approval = DeviceApproval(device=scene.device("monitoring"), evidence=Digest.of(b"seen"))
        (result,) = await scene.auditor.submit("registry:ApproveDevices", ROOT, (approval,))
        assert result.accepted == (_APPROVAL in TABLE[before, IdentifierState.ACTIVE]), before


async def test_what_the_platform_suspended_its_owner_cannot_make_active(scene: Scene) -> None:
    owner = scene.owners["monitoring"]
    assert await change(scene, scene.auditor, state=IdentifierState.SUSPENDED, reason="doubtful") is None
    assert await change(scene, owner, state=IdentifierState.ACTIVE) == TransitionRefused.code
    assert await change(scene, scene.auditor, state=IdentifierState.ACTIVE) is None
    assert await change(scene, owner, state=IdentifierState.SUSPENDED) is None
    assert await change(scene, owner, state=IdentifierState.ACTIVE) is None


@pytest.mark.parametrize("state", [one for one in IdentifierState if one is not IdentifierState.ACTIVE])
async def test_only_what_is_active_resolves(scene: Scene, state: IdentifierState) -> None:
    await put_in_state(scene, state)

    with pytest.raises(NotActive, match=state.value):
        await scene.application.ask("resolution:Decide", scene.request(device=scene.device("monitoring")))


async def test_only_what_is_valid_resolves(scene: Scene) -> None:
    label = scene.device("monitoring")
    owner, now_ms = scene.owners["monitoring"], scene.peer.time_ms
    assert await change(scene, owner, validity=Validity(until_ms=now_ms)) is None
    with pytest.raises(NotActive, match="not valid"):
        await scene.application.ask("resolution:Decide", scene.request(device=label))
    assert await change(scene, owner, validity=Validity(from_ms=now_ms + 100_000)) is None
    with pytest.raises(NotActive, match="not valid"):
        await scene.application.ask("resolution:Decide", scene.request(device=label))
    assert await change(scene, owner, validity=Validity()) is None
    assert (await scene.application.ask("registry:GetDevice", label)).validity is None
    await scene.application.ask("resolution:Decide", scene.request(device=label))


@pytest.mark.parametrize(
    "wanted",
    [{"state": IdentifierState.SUSPENDED}, {"validity": Validity(until_ms=1)}],
    ids=["state", "validity"],
)
async def test_field_that_is_not_in_force_is_no_target(scene: Scene, wanted: dict[str, Any]) -> None:
    field = scene.device("monitoring").field("ac_power")
    one = FieldChange(field=field, **wanted)
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]
    (result,) = await party.submit("registry:ChangeFields", system, (one,))
    assert result.accepted

    decided = await scene.application.ask("resolution:Decide", scene.request())

    assert field not in [one.field for target in decided.targets for one in target.fields]
    assert len(decided.targets) == 3


@pytest.mark.parametrize(
    "wanted",
    [{"state": IdentifierState.SUSPENDED}, {"validity": Validity(until_ms=1)}],
    ids=["state", "validity"],
)
async def test_system_that_is_not_in_force_is_no_target(scene: Scene, wanted: dict[str, Any]) -> None:
    for name in ("monitoring", "maintenance"):
        one = SystemChange(reason="test", **wanted)
        await scene.auditor.submit("registry:ChangeSystem", scene.systems[name], one)

    with pytest.raises(TooFewSystems):
        await scene.application.ask("resolution:Decide", scene.request())


@pytest.mark.parametrize("wanted", NOT_IN_FORCE, ids=["state", "validity"])
async def test_application_that_is_not_in_force_gets_nothing(scene: Scene, wanted: dict[str, Any]) -> None:
    one = SystemChange(reason="test", **wanted)
    await scene.auditor.submit("registry:ChangeSystem", scene.systems["lifecycle"], one)

    with pytest.raises(NotActive):
        await scene.application.ask("resolution:Decide", scene.request())


async def test_platform_changes_no_words_and_no_other_platforms_devices(scene: Scene) -> None:
    assert await change(scene, scene.auditor, name="mine") == AccessDenied.code
    foreign = Party(scene.peer, "Org2MSP", "auditor", Role.AUDITOR)
    with pytest.raises(AccessDenied, match="not the platform"):
        await change(scene, foreign, state=IdentifierState.SUSPENDED)
    rival = Party(scene.peer, "Org2MSP", "rival", Role.BUSINESS_SYSTEM)
    with pytest.raises(NotTheAgent):
        await change(scene, rival, state=IdentifierState.SUSPENDED)
    with pytest.raises(AccessDenied, match="is a root"):
        await scene.auditor.submit(
            "registry:ChangeSystem", ROOT, SystemChange(state=IdentifierState.SUSPENDED, reason="no")
        )


async def test_changes_are_refused_item_by_item(scene: Scene) -> None:
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]
    device = scene.device("monitoring")
    changes = tuple(
        DeviceChange(device=one, name="Meter of plant 27")
        for one in (device, device, system.device("unknown"), scene.device("construction"))
    )
    results = await party.submit("registry:ChangeDevices", system, changes)
    assert [result.code for result in results] == [
        None,
        AlreadyExists.code,
        NotFound.code,
        NotTheAgent.code,
    ]
    assert (await party.ask("registry:GetDevice", device)).name == "Meter of plant 27"
    metadata = FieldMetadata(
        title="AC power",
        unit="kW",
        data_type="number",
        frequency=Frequency.DAY,
        roles=(ROLE,),
        region="Jinhua",
    )
    field = device.field("ac_power")
    fields = tuple(
        FieldChange(field=one, metadata=metadata)
        for one in (field, field, device.field("unknown"), scene.device("construction").field("dc_size"))
    )
    results = await party.submit("registry:ChangeFields", system, fields)
    assert [result.code for result in results] == [
        None,
        AlreadyExists.code,
        NotFound.code,
        NotTheAgent.code,
    ]
    assert (await party.ask("registry:GetField", field)).metadata == metadata


@pytest.mark.parametrize("state", sorted(ENTRY_STATES - {IdentifierState.ALLOCATED}))
async def test_device_is_registered_in_an_earlier_state(scene: Scene, state: IdentifierState) -> None:
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]
    entry = DeviceEntry(own_code="new", name="new", kind="meter", state=state)
    await party.once("registry:RegisterDevices", system, (entry,))

    assert (await party.ask("registry:GetDevice", system.device("new"))).state is state


async def test_lists_of_objects_are_apart_from_devices(scene: Scene) -> None:
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]
    plants = [
        DeviceEntry(own_code=f"P-{number}", name="a plant", kind="pv-plant", object_class=ObjectClass.PLANT)
        for number in range(3)
    ]
    entries = (
        *plants,
        DeviceEntry(own_code="PRJ/1", name="a project", kind="project", object_class=ObjectClass.PROJECT),
        DeviceEntry(own_code="M-1", name="a meter", kind="meter"),
    )
    results = await party.once("registry:RegisterDevices", system, entries)
    assert all(result.accepted for result in results)

    listed = await party.ask("registry:ListObjects", system, ObjectClass.PLANT.value, "")
    projects = await party.ask("registry:ListObjects", system, ObjectClass.PROJECT.value, "")
    products = await party.ask("registry:ListObjects", system, ObjectClass.PRODUCT.value, "")
    assert [one.identifier.own_code for one in listed.devices] == ["P-0", "P-1", "P-2"]
    assert [str(one.identifier) for one in projects.devices] == [f"{system}/PRJ%2F1"]
    assert products.devices == ()
