"""What a hostile member tries with prefixes, codes, periods and identities; accidents that cost like it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.chaincode.moving import NEW_CODE, OWNER, change_prefix, rename
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import PLANT, PRICES, ROOT, Scene, profile

from gridledger.model.association import CandidateEntry, DevicePair
from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.catalogue_refusals import WithdrawnByOwner
from gridledger.model.change import DeviceChange, DeviceMove, FieldChange, SystemChange
from gridledger.model.device import MAX_DEVICES_OF_ONE, DeclaredIdentity, DeviceEntry, StandardEntry
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lifecycle import Validity
from gridledger.model.period import Frequency
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict, LimitExceeded
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.resolution import RuleEntry
from gridledger.model.rights import RightsEntry, Withdrawal
from gridledger.model.roles import Role
from gridledger.model.states import IdentifierState
from gridledger.model.system import SystemKind

PRICE = PRICES["ac_power"] + PRICES["irradiance"]
SUSPENDED = SystemChange(state=IdentifierState.SUSPENDED, reason="under review")


# --- roots and numbers


async def test_root_below_another_root_is_not_founded_so_nobody_makes_money_for_a_coming_account(
    empty: Scene,
) -> None:
    await empty.establish()
    forger = Party(empty.peer, "Org2MSP", "forger", Role.AGGREGATION_SYSTEM)
    wanted = profile(SystemKind.AGGREGATION_SYSTEM, "forger")
    for below in ("88.1042.1", "88.1042.7.7"):
        with pytest.raises(AccessDenied, match="stands below"):
            await forger.submit("registry:Establish", SystemIdentifier(below), wanted)
    await forger.submit("registry:Establish", SystemIdentifier("88.10420"), wanted)


async def test_number_of_a_root_that_was_there_before_is_passed_over(empty: Scene) -> None:
    await empty.agent.submit("ledger:RenewTimeMark")
    forger = Party(empty.peer, "Org2MSP", "forger", Role.AGGREGATION_SYSTEM)
    banker = Party(empty.peer, "Org2MSP", "banker", Role.PLATFORM_ADMINISTRATOR)
    taken = SystemIdentifier("88.1042.1")
    await forger.submit("registry:Establish", taken, profile(SystemKind.AGGREGATION_SYSTEM, "forger"))
    await banker.once("trade:PayIn", taken, (10**12,))
    await empty.establish()

    given = await empty.register(empty.owners[OWNER], SystemKind.BUSINESS_SYSTEM)
    following = await empty.register(empty.application, SystemKind.DATA_APPLICATION)

    assert [str(given), str(following)] == ["88.1042.2", "88.1042.3"]
    assert (await empty.application.ask("registry:GetSystem", taken)).profile.name == "forger"


# --- prefixes and codes


async def test_field_that_a_rule_names_under_both_prefixes_is_resolved_and_paid_once(scene: Scene) -> None:
    new = await change_prefix(scene)
    app = scene.systems["lifecycle"]
    power = Selector(system=new, name="ac_power")
    await scene.aggregation.submit("catalogue:DepositAssociations", ROOT, (PLANT,))
    publication = PublicationEntry(application=app, identity=PLANT, selectors=(power,))
    await scene.aggregation.submit("catalogue:PublishFields", ROOT, publication)
    rule = RuleEntry(application=app, function="maintenance", selectors=(*scene.selectors(), power))
    await scene.application.submit("resolution:SetRule", rule)

    decided = await scene.application.ask("resolution:Decide", scene.request())

    fields = [one.field for target in decided.targets for one in target.fields]
    assert len(fields) == len(set(fields)) == len(PRICES)
    assert all(len(one.checks) == 1 for target in decided.targets for one in target.fields)


async def test_what_an_owner_took_back_stays_back_under_its_new_prefix(scene: Scene) -> None:
    app = scene.systems["lifecycle"]
    back = Withdrawal(system=scene.systems[OWNER], application=app, names=("ac_power",))
    await scene.owners[OWNER].submit("catalogue:WithdrawFields", back)
    new = await change_prefix(scene)

    power = PublicationEntry(
        application=app, identity=PLANT, selectors=(Selector(system=new, name="ac_power"),)
    )
    with pytest.raises(WithdrawnByOwner):
        await scene.aggregation.submit("catalogue:PublishFields", ROOT, power)
    other = replace(power, selectors=(Selector(system=new, name="irradiance"),))
    await scene.aggregation.submit("catalogue:PublishFields", ROOT, other)


async def test_rights_and_prices_of_a_moved_field_are_refused_not_lost(scene: Scene) -> None:
    system, party = scene.systems[OWNER], scene.owners[OWNER]
    old = scene.device(OWNER).field("ac_power")
    await rename(scene)

    (right,) = await party.submit(
        "catalogue:SetFieldRoles", system, (RightsEntry(field=old, roles=("auditor",)),)
    )
    (price,) = await party.once(
        "registry:SetChargingStandards", system, (StandardEntry(field=old, price_milliyuan=1),)
    )

    assert (right.code, price.code) == (IdentifierMoved.code, IdentifierMoved.code)


async def test_label_from_before_a_rename_still_associates(scene: Scene) -> None:
    label = DeclaredIdentity.of_label(scene.device(OWNER))
    await rename(scene)
    system = scene.systems["maintenance"]
    entry = DeviceEntry(own_code="read-from-label", name="meter", kind="meter", identities=(label,))
    (result,) = await scene.owners["maintenance"].once("registry:RegisterDevices", system, (entry,))
    assert result.accepted, result

    declared = await scene.application.ask("catalogue:GetCommonIdentity", ROOT, label)

    renamed = scene.systems[OWNER].device(NEW_CODE)
    assert declared.devices == (renamed, system.device("read-from-label"))


# --- periods, validity


async def test_frequency_of_a_field_stays_so_that_no_second_root_is_deposited_over_altered_rows(
    scene: Scene,
) -> None:
    field = scene.device(OWNER).field("ac_power")
    metadata = (await scene.application.ask("registry:GetField", field)).metadata
    change = FieldChange(field=field, metadata=replace(metadata, frequency=Frequency.MONTH))
    described = FieldChange(field=field, metadata=replace(metadata, title="active power"))

    (refused,) = await scene.owners[OWNER].submit("registry:ChangeFields", scene.systems[OWNER], (change,))
    (accepted,) = await scene.owners[OWNER].submit(
        "registry:ChangeFields", scene.systems[OWNER], (described,)
    )

    assert (refused.code, accepted.code) == (Conflict.code, None)


async def test_owner_does_not_undo_a_validity_that_the_platform_set(scene: Scene) -> None:
    device, system = scene.device(OWNER), scene.systems[OWNER]
    over = DeviceChange(device=device, validity=Validity(until_ms=scene.peer.time_ms))
    always = DeviceChange(device=device, validity=Validity())
    (own,) = await scene.owners[OWNER].submit("registry:ChangeDevices", system, (over,))
    (lifted,) = await scene.owners[OWNER].submit("registry:ChangeDevices", system, (always,))
    assert (own.code, lifted.code) == (None, None)
    await scene.auditor.submit("registry:ChangeDevices", system, (over,))

    (refused,) = await scene.owners[OWNER].submit("registry:ChangeDevices", system, (always,))
    (platform,) = await scene.auditor.submit("registry:ChangeDevices", system, (always,))

    assert (refused.code, platform.code) == (AccessDenied.code, None)
    (again,) = await scene.owners[OWNER].submit("registry:ChangeDevices", system, (over,))
    assert again.accepted


# --- common identities


async def test_one_system_does_not_fill_a_common_identity(scene: Scene) -> None:
    serial = DeclaredIdentity(scheme="serial", value="X22")
    entries = tuple(
        DeviceEntry(own_code=f"squat-{number}", name="meter", kind="meter", identities=(serial,))
        for number in range(MAX_DEVICES_OF_ONE + 1)
    )
    results = await scene.owners[OWNER].once("registry:RegisterDevices", scene.systems[OWNER], entries)
    assert [one.code for one in results] == [None] * MAX_DEVICES_OF_ONE + [LimitExceeded.code]

    (other,) = await scene.owners["maintenance"].once(
        "registry:RegisterDevices", scene.systems["maintenance"], entries[:1]
    )
    assert other.accepted


async def test_own_code_that_would_part_keys_is_refused_alone(scene: Scene) -> None:
    codes = ("good", "a\0b", "c\U0010ffff", "also good")
    entries = tuple(DeviceEntry(own_code=code, name="meter", kind="meter") for code in codes)
    results = await scene.owners[OWNER].once("registry:RegisterDevices", scene.systems[OWNER], entries)
    assert [one.accepted for one in results] == [True, False, False, True]


async def test_revoked_device_leaves_the_association_catalogue_when_it_is_deposited_again(
    scene: Scene,
) -> None:
    device = scene.device(OWNER)
    revoked = DeviceChange(device=device, state=IdentifierState.REVOKED)
    await scene.owners[OWNER].submit("registry:ChangeDevices", scene.systems[OWNER], (revoked,))

    await scene.aggregation.submit("catalogue:DepositAssociations", ROOT, (PLANT,))

    association = await scene.application.ask("catalogue:GetAssociation", ROOT, PLANT)
    assert device not in [member.device for member in association.members]
    assert len(association.members) == 2


async def test_word_of_both_owners_about_a_doubt_outlives_a_rename(scene: Scene) -> None:
    contradicting = {OWNER: "A1", "maintenance": "B2"}
    devices = {}
    for name, value in contradicting.items():
        serial = DeclaredIdentity(scheme="serial", value=value)
        plant = DeclaredIdentity(scheme="plant", value="R99")
        entry = DeviceEntry(own_code="doubt", name="meter", kind="meter", identities=(plant, serial))
        (result,) = await scene.owners[name].once("registry:RegisterDevices", scene.systems[name], (entry,))
        assert result.accepted, result
        devices[name] = scene.systems[name].device("doubt")
    await scene.aggregation.submit("catalogue:DepositAssociations", ROOT, (plant,))
    pair = DevicePair.of(*devices.values())
    for name in contradicting:
        await scene.owners[name].submit("catalogue:ConfirmAssociation", ROOT, scene.systems[name], pair)
    system = scene.systems[OWNER]
    move = DeviceMove(device=devices[OWNER], to=system.device("no doubt"))
    await scene.owners[OWNER].once("registry:MoveDevices", system, (move,))

    (result,) = await scene.aggregation.submit("catalogue:DepositAssociations", ROOT, (plant,))

    assert result.accepted, result
    association = await scene.application.ask("catalogue:GetAssociation", ROOT, plant)
    assert {member.device for member in association.members} == {move.to, devices["maintenance"]}
    entry = CandidateEntry(devices=DevicePair.of(move.to, devices["maintenance"]), identity=serial)
    with pytest.raises(AlreadyExists):
        await scene.aggregation.submit("catalogue:ProposeAssociation", ROOT, ROOT, entry)
