"""The contract `catalogue`: doubt, labels, conflicts, publication on request, rights, ownership."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import PLANT, ROLE, ROOT, Scene, field_entry

from gridledger.model.association import AssociationCandidate, CandidateEntry, DevicePair
from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.catalogue_refusals import WithdrawnByOwner
from gridledger.model.change import DeviceMove
from gridledger.model.device import DeclaredIdentity, DeviceEntry
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import FieldRefused, NotAKeyDevice, NotPublished, NotTheAgent
from gridledger.model.identifier import DeviceIdentifier
from gridledger.model.notice import FieldsRegistered
from gridledger.model.period import Frequency
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict, NotFound
from gridledger.model.resolution import RuleEntry
from gridledger.model.rights import FieldRequestAnswer, FieldRequestEntry, RightsEntry, Withdrawal
from gridledger.model.states import CandidateState, Doubt

SERIAL = DeclaredIdentity(scheme="serial", value="SN-0012")
OTHER_SERIAL = DeclaredIdentity(scheme="serial", value="SN-0099")
SIMILAR = DeclaredIdentity(scheme="serial", value="sn0012")
INVERTER = DeclaredIdentity(scheme="inverter", value="INV01")


async def register(scene: Scene, owner: str, own_code: str, *identities: DeclaredIdentity) -> Any:
    """Register a device and return the item's result."""
    entry = DeviceEntry(own_code=own_code, name="inverter", kind="inverter", identities=identities)
    (result,) = await scene.owners[owner].once("registry:RegisterDevices", scene.systems[owner], (entry,))
    return result


async def registered(
    scene: Scene, owner: str, own_code: str, *identities: DeclaredIdentity
) -> DeviceIdentifier:
    result = await register(scene, owner, own_code, *identities)
    assert result.accepted, result.message
    return scene.systems[owner].device(own_code)


async def add_field(scene: Scene, owner: str, own_code: str, name: str, data_type: str = "text") -> Any:
    entry = field_entry(own_code, name, Frequency.ONCE)
    entry = replace(entry, metadata=replace(entry.metadata, data_type=data_type))
    return await scene.owners[owner].commit(
        "registry:RegisterFields", f"{owner}.{own_code}.{name}", scene.systems[owner], (entry,)
    )


async def associate(scene: Scene, identity: DeclaredIdentity) -> Any:
    (result,) = await scene.aggregation.submit("catalogue:DepositAssociations", ROOT, (identity,))
    return result


async def members(scene: Scene, identity: DeclaredIdentity) -> set[DeviceIdentifier]:
    association = await scene.aggregation.ask("catalogue:GetAssociation", ROOT, identity)
    return {one.device for one in association.members}


# --- association


async def test_devices_that_contradict_one_another_become_a_candidate(scene: Scene) -> None:
    one = await registered(scene, "construction", "INV01", INVERTER, SERIAL)
    other = await registered(scene, "monitoring", "I-1", INVERTER, OTHER_SERIAL)

    result = await associate(scene, INVERTER)

    assert result.code == NotAKeyDevice.code
    (candidate,) = (await scene.auditor.ask("catalogue:ListCandidates", ROOT, "")).candidates
    assert candidate.devices == DevicePair.of(one, other)
    assert (candidate.doubt, candidate.state) == (Doubt.CONTRADICTION, CandidateState.PROPOSED)
    assert (await associate(scene, INVERTER)).code == NotAKeyDevice.code


async def test_candidate_that_both_owners_confirm_is_associated(scene: Scene) -> None:
    one = await registered(scene, "construction", "INV01", INVERTER, SERIAL)
    other = await registered(scene, "monitoring", "I-1", INVERTER, OTHER_SERIAL)
    await associate(scene, INVERTER)
    pair = DevicePair.of(one, other)

    half = await decide(scene, "construction", pair)
    assert half.state is CandidateState.PROPOSED
    assert (await associate(scene, INVERTER)).code == NotAKeyDevice.code
    whole = await decide(scene, "monitoring", pair)

    assert whole.state is CandidateState.CONFIRMED
    assert (await associate(scene, INVERTER)).accepted
    assert await members(scene, INVERTER) == {one, other}


async def decide(
    scene: Scene, owner: str, pair: DevicePair, function: str = "ConfirmAssociation"
) -> AssociationCandidate:
    by = scene.systems[owner]
    decided: AssociationCandidate = await scene.owners[owner].submit(f"catalogue:{function}", ROOT, by, pair)
    return decided


async def test_device_that_contradicts_stays_out_of_what_is_certain(scene: Scene) -> None:
    certain = {
        await registered(scene, "construction", "INV01", INVERTER, SERIAL),
        await registered(scene, "monitoring", "I-1", INVERTER, SERIAL),
    }
    await registered(scene, "maintenance", "X", INVERTER, OTHER_SERIAL)

    assert (await associate(scene, INVERTER)).accepted

    assert await members(scene, INVERTER) == certain
    candidates = (await scene.auditor.ask("catalogue:ListCandidates", ROOT, "")).candidates
    assert len(candidates) == 2


async def test_rejected_candidate_is_decided(scene: Scene) -> None:
    one = await registered(scene, "construction", "INV01", INVERTER, SERIAL)
    other = await registered(scene, "monitoring", "I-1", INVERTER, OTHER_SERIAL)
    await associate(scene, INVERTER)
    pair = DevicePair.of(one, other)

    rejected = await decide(scene, "monitoring", pair, "RejectAssociation")

    assert rejected.state is CandidateState.REJECTED
    with pytest.raises(Conflict):
        await decide(scene, "construction", pair)
    assert (await associate(scene, INVERTER)).code == NotAKeyDevice.code


async def test_similar_identities_are_one_once_both_owners_say_so(scene: Scene) -> None:
    one = await registered(scene, "construction", "INV01", SERIAL)
    other = await registered(scene, "monitoring", "I-1", SIMILAR)
    entry = CandidateEntry(devices=DevicePair.of(one, other), identity=SERIAL)

    candidate = await scene.aggregation.submit("catalogue:ProposeAssociation", ROOT, ROOT, entry)
    assert (candidate.doubt, candidate.confirmed_by) == (Doubt.SIMILAR, ())
    with pytest.raises(AlreadyExists):
        await scene.aggregation.submit("catalogue:ProposeAssociation", ROOT, ROOT, entry)
    await decide(scene, "construction", entry.devices)
    await decide(scene, "monitoring", entry.devices)

    assert (await associate(scene, SERIAL)).accepted
    assert await members(scene, SERIAL) == {one, other}
    device = await scene.auditor.ask("registry:GetDevice", other)
    assert device.identities == (SIMILAR, SERIAL)


async def test_owner_that_proposes_has_confirmed(scene: Scene) -> None:
    one = await registered(scene, "construction", "INV01", SERIAL)
    other = await registered(scene, "monitoring", "I-1", SIMILAR)
    entry = CandidateEntry(devices=DevicePair.of(one, other), identity=SERIAL)
    by = scene.systems["construction"]

    candidate = await scene.owners["construction"].submit("catalogue:ProposeAssociation", ROOT, by, entry)

    assert candidate.confirmed_by == (by,)
    with pytest.raises(Conflict):
        await decide(scene, "construction", entry.devices)


async def test_candidate_by_strangers_is_refused(scene: Scene) -> None:
    one = await registered(scene, "construction", "INV01", SERIAL)
    other = await registered(scene, "monitoring", "I-1", SIMILAR)
    entry = CandidateEntry(devices=DevicePair.of(one, other), identity=SERIAL)
    by = scene.systems["maintenance"]

    with pytest.raises(AccessDenied):
        await scene.owners["maintenance"].submit("catalogue:ProposeAssociation", ROOT, by, entry)
    with pytest.raises(NotTheAgent):
        await scene.owners["maintenance"].submit(
            "catalogue:ProposeAssociation", ROOT, scene.systems["construction"], entry
        )
    with pytest.raises(NotFound):
        await decide(scene, "construction", entry.devices)
    await scene.aggregation.submit("catalogue:ProposeAssociation", ROOT, ROOT, entry)
    with pytest.raises(AccessDenied):
        await decide(scene, "maintenance", entry.devices)


async def test_candidate_of_an_identity_that_none_or_both_declare_is_refused(scene: Scene) -> None:
    one = await registered(scene, "construction", "INV01", SERIAL, INVERTER)
    other = await registered(scene, "monitoring", "I-1", SIMILAR, INVERTER)

    for identity in (OTHER_SERIAL, INVERTER):
        entry = CandidateEntry(devices=DevicePair.of(one, other), identity=identity)
        with pytest.raises(Conflict):
            await scene.aggregation.submit("catalogue:ProposeAssociation", ROOT, ROOT, entry)


# --- labels


async def test_device_under_anothers_label_is_associated_at_once(scene: Scene) -> None:
    labelled = scene.device("construction")
    label = DeclaredIdentity.of_label(labelled)

    entry = DeviceEntry(own_code="A-17", name="asset", kind="asset", identities=(label,))
    committed = await scene.owners["maintenance"].commit(
        "registry:RegisterDevices", "label.1", scene.systems["maintenance"], (entry,)
    )

    own = scene.systems["maintenance"].device("A-17")
    assert committed.event is not None
    assert str(labelled).encode() in committed.event[1]
    assert (await associate(scene, label)).accepted
    assert await members(scene, label) == {labelled, own}


async def test_label_goes_on_when_its_device_moves(scene: Scene) -> None:
    old = scene.device("construction")
    label = DeclaredIdentity.of_label(old)
    own = await registered(scene, "maintenance", "A-17", label)
    assert (await associate(scene, label)).accepted
    new = scene.systems["construction"].device("R27-NEW")

    move = DeviceMove(device=old, to=new)
    (result,) = await scene.owners["construction"].once(
        "registry:MoveDevices", scene.systems["construction"], (move,)
    )

    assert result.accepted, result.message
    assert await members(scene, label) == {new, own}
    assert label in (await scene.auditor.ask("registry:GetDevice", new)).known_as
    ownership = await scene.auditor.ask("catalogue:GetOwnership", new.field("dc_size"))
    assert ownership.field.identifier == new.field("dc_size")


async def test_label_of_nothing_is_refused(scene: Scene) -> None:
    for text in (f"{scene.systems['construction']}/nothing", "88.7.1/R27"):
        label = DeclaredIdentity(scheme="label", value=text)
        result = await register(scene, "maintenance", "A-17", label)
        assert result.code == NotFound.code


async def test_fields_that_arrive_name_the_key_devices(scene: Scene) -> None:
    committed = await add_field(scene, "construction", "R27", "built")

    assert committed.event is not None
    name, payload = committed.event
    assert name == Event.FIELDS_REGISTERED
    assert FieldsRegistered.from_bytes(payload).shared == (PLANT,)


# --- conflicts and ownership


async def test_field_of_two_systems_is_a_conflict_that_all_see(scene: Scene) -> None:
    await add_field(scene, "construction", "R27", "brand")
    scene.peer.time_ms += 1
    await add_field(scene, "maintenance", "R27", "brand")

    assert (await associate(scene, PLANT)).accepted

    (conflict,) = (await scene.auditor.ask("catalogue:ListConflicts", ROOT, "")).conflicts
    fields = [scene.device(owner).field("brand") for owner in ("construction", "maintenance")]
    assert [one.field for one in conflict.rivals] == fields
    assert conflict.settled_ms is None
    association = await scene.auditor.ask("catalogue:GetAssociation", ROOT, PLANT)
    assert association.conflicts == ("brand",)
    ownership = await scene.auditor.ask("catalogue:GetOwnership", fields[1])
    assert [one.field for one in ownership.rivals] == fields[:1]


async def test_field_of_the_same_name_and_another_type_is_no_conflict(scene: Scene) -> None:
    await add_field(scene, "construction", "R27", "brand")
    await add_field(scene, "maintenance", "R27", "brand", "number")

    assert (await associate(scene, PLANT)).accepted

    assert (await scene.auditor.ask("catalogue:ListConflicts", ROOT, "")).conflicts == ()


async def test_ownership_names_the_registering_transaction(scene: Scene) -> None:
    committed = await add_field(scene, "construction", "R27", "built")
    field = scene.device("construction").field("built")
    rights = RightsEntry(field=field, roles=("auditor",))
    await scene.owners["construction"].submit(
        "catalogue:SetFieldRoles", scene.systems["construction"], (rights,)
    )

    ownership = await scene.auditor.ask("catalogue:GetOwnership", field)

    assert ownership.registered_tx == committed.tx_id
    assert ownership.owner.identifier == scene.systems["construction"]
    assert ownership.field.metadata.roles == ("auditor",)
    with pytest.raises(NotFound):
        await scene.auditor.ask("catalogue:GetOwnership", scene.device("construction").field("none"))


# --- publication


async def test_request_that_the_owner_grants_is_published(scene: Scene) -> None:
    await add_field(scene, "construction", "R27", "built")
    application, system = scene.systems["lifecycle"], scene.systems["construction"]
    entry = FieldRequestEntry(
        application=application, system=system, names=("built", "secret"), purpose="quality"
    )
    await scene.application.submit("catalogue:RequestFields", entry)
    with pytest.raises(Conflict):
        await scene.application.submit("catalogue:RequestFields", entry)
    answer = FieldRequestAnswer(application=application, system=system, granted=("built",), reason="yes")

    with pytest.raises(NotTheAgent):
        await scene.owners["monitoring"].submit("catalogue:AnswerFieldRequest", answer)
    with pytest.raises(Conflict):
        await scene.owners["construction"].submit(
            "catalogue:AnswerFieldRequest", replace(answer, granted=("dc_size",))
        )
    await scene.owners["construction"].submit("catalogue:AnswerFieldRequest", answer)

    with pytest.raises(Conflict):
        await scene.owners["construction"].submit("catalogue:AnswerFieldRequest", answer)
    publication = await scene.auditor.ask("catalogue:GetPublication", application, system)
    assert publication.names == ("built", "dc_size")
    (request,) = (await scene.auditor.ask("catalogue:ListFieldRequests", system, "")).requests
    assert request.granted == ("built",)
    again = await scene.application.submit("catalogue:RequestFields", replace(entry, names=("secret",)))
    assert again.answered_ms is None


async def test_refused_request_publishes_nothing(scene: Scene) -> None:
    application, system = scene.systems["lifecycle"], scene.systems["construction"]
    entry = FieldRequestEntry(application=application, system=system, names=("built",), purpose="quality")
    await scene.application.submit("catalogue:RequestFields", entry)
    answer = FieldRequestAnswer(application=application, system=system, granted=(), reason="no")

    request = await scene.owners["construction"].submit("catalogue:AnswerFieldRequest", answer)

    assert request.granted == ()
    assert (await scene.auditor.ask("catalogue:GetPublication", application, system)).names == ("dc_size",)


async def test_withdrawn_field_resolves_no_more_and_is_not_published_again(scene: Scene) -> None:
    application, system = scene.systems["lifecycle"], scene.systems["maintenance"]
    withdrawal = Withdrawal(application=application, system=system, names=("order_type",))
    before = await scene.application.ask("resolution:Decide", scene.request())
    assert before.target(system) is not None

    await scene.owners["maintenance"].submit("catalogue:WithdrawFields", withdrawal)

    after = await scene.application.ask("resolution:Decide", scene.request())
    assert after.target(system) is None
    wanted = Selector(system=system, name="order_type")
    with pytest.raises(NotPublished):
        await scene.application.ask("resolution:Decide", scene.request(wanted=(wanted,)))
    publication = PublicationEntry(application=application, identity=PLANT, selectors=(wanted,))
    with pytest.raises(WithdrawnByOwner) as caught:
        await scene.aggregation.submit("catalogue:PublishFields", ROOT, publication)
    assert caught.value.fields == {"fields": [str(wanted)]}
    with pytest.raises(NotPublished):
        await scene.owners["maintenance"].submit("catalogue:WithdrawFields", withdrawal)
    with pytest.raises(NotPublished):
        await scene.application.submit(
            "resolution:SetRule", RuleEntry(application=application, function="other", selectors=(wanted,))
        )


async def test_grant_after_a_withdrawal_publishes_again(scene: Scene) -> None:
    application, system = scene.systems["lifecycle"], scene.systems["maintenance"]
    owner: Party = scene.owners["maintenance"]
    names = ("order_type",)
    await owner.submit(
        "catalogue:WithdrawFields", Withdrawal(application=application, system=system, names=names)
    )
    entry = FieldRequestEntry(application=application, system=system, names=names, purpose="again")
    await scene.application.submit("catalogue:RequestFields", entry)
    answer = FieldRequestAnswer(application=application, system=system, granted=names, reason="yes")
    await owner.submit("catalogue:AnswerFieldRequest", answer)

    resolution = await scene.application.ask("resolution:Decide", scene.request())

    assert resolution.target(system) is not None


# --- rights


async def test_roles_that_the_owner_takes_back_resolve_no_more(scene: Scene) -> None:
    field = scene.fields()["monitoring"][0]
    owner, system = scene.owners["monitoring"], scene.systems["monitoring"]
    wanted = (Selector(system=system, name=field.name), scene.selectors()[0])
    await scene.application.ask("resolution:Decide", scene.request(wanted=wanted))

    rights = RightsEntry(field=field, roles=("auditor",))
    (result,) = await owner.submit("catalogue:SetFieldRoles", system, (rights,))

    assert result.accepted
    with pytest.raises(FieldRefused):
        await scene.application.ask("resolution:Decide", scene.request(wanted=wanted))
    resolution = await scene.application.ask("resolution:Decide", scene.request())
    assert field not in {one.field for target in resolution.targets for one in target.fields}


async def test_roles_keep_their_versions(scene: Scene) -> None:
    field = scene.fields()["monitoring"][0]
    owner, system = scene.owners["monitoring"], scene.systems["monitoring"]
    for roles in (("auditor",), ("auditor",), ("auditor", "worker")):
        rights = RightsEntry(field=field, roles=roles)
        await owner.submit("catalogue:SetFieldRoles", system, (rights,))

    versions = await scene.auditor.ask("catalogue:ListFieldRoles", field)

    assert [(one.version, one.roles) for one in versions] == [
        (3, ("auditor", "worker")),
        (2, ("auditor",)),
        (1, (ROLE,)),
    ]
    with pytest.raises(NotFound):
        await scene.auditor.ask("catalogue:ListFieldRoles", field.device.field("none"))


async def test_roles_of_anothers_field_are_refused(scene: Scene) -> None:
    field = scene.fields()["monitoring"][0]
    rights = RightsEntry(field=field, roles=("auditor",))
    owner, system = scene.owners["construction"], scene.systems["construction"]

    (result,) = await owner.submit("catalogue:SetFieldRoles", system, (rights,))
    assert result.code == NotTheAgent.code
    with pytest.raises(NotTheAgent):
        await owner.submit("catalogue:SetFieldRoles", field.system, (rights,))


# --- rules


async def test_rule_narrows_to_its_roles_and_never_widens(scene: Scene) -> None:
    application = scene.systems["lifecycle"]
    for roles, refused in ((("auditor",), True), (("auditor", ROLE), False)):
        rule = RuleEntry(
            application=application, function="maintenance", selectors=scene.selectors(), roles=roles
        )
        await scene.application.submit("resolution:SetRule", rule)
        if refused:
            with pytest.raises(FieldRefused, match="rule"):
                await scene.application.ask("resolution:Decide", scene.request())
        else:
            await scene.application.ask("resolution:Decide", scene.request())
    await scene.application.submit("registry:RegisterUser", application, "worker-7", ("auditor", ROLE))
    with pytest.raises(FieldRefused, match="owner"):
        await scene.application.ask(
            "resolution:Decide", scene.request(user_role="auditor", wanted=scene.selectors())
        )


async def test_rule_keeps_its_versions(scene: Scene) -> None:
    application = scene.systems["lifecycle"]
    rule = RuleEntry(application=application, function="maintenance", selectors=scene.selectors()[:2])
    await scene.application.submit("resolution:SetRule", rule)

    history = await scene.auditor.ask("resolution:ListRuleVersions", application, "maintenance")

    assert [(one.version, len(one.selectors)) for one in history.versions] == [(2, 2), (1, 4)]
