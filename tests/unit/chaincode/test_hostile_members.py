"""What a hostile member of the consortium tries: attacks, and accidents that cost like one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import METER, PLANT, PRICES, ROLE, ROOT, TOTAL, Scene, field_entry, profile
from tests.unit.chaincode.trading import agree, agreed_entry, balance, claim_evidence, placed

from gridledger.model.agreement import AgreementUse
from gridledger.model.association import CandidateEntry, DevicePair
from gridledger.model.catalogue import PublicationEntry, Selector
from gridledger.model.catalogue_refusals import WithdrawnByOwner
from gridledger.model.change import DeviceChange, DeviceMove, FieldChange, SystemChange
from gridledger.model.claim import DECIDE_MS, ClaimDecision
from gridledger.model.credit import RatingKey
from gridledger.model.device import MAX_DEVICES_OF_ONE, DeclaredIdentity, DeviceEntry, StandardEntry
from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import NoHold
from gridledger.model.fee import FEE_NOTICE_MS, FeeKey, FeeKind, FeeRate
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lifecycle import Validity
from gridledger.model.period import Frequency
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict, LimitExceeded, NotFound
from gridledger.model.registry_refusals import IdentifierMoved
from gridledger.model.resolution import RuleEntry
from gridledger.model.rights import RightsEntry, Withdrawal
from gridledger.model.roles import Role
from gridledger.model.states import IdentifierState, OrderState
from gridledger.model.system import SystemKind
from gridledger.model.trade import MoneyKey
from gridledger.model.trade_refusals import HoldClaimed

OWNER = "monitoring"
PRICE = PRICES["ac_power"] + PRICES["irradiance"]
SUSPENDED = SystemChange(state=IdentifierState.SUSPENDED, reason="under review")


async def at(scene: Scene, time_ms: int) -> None:
    scene.peer.time_ms = time_ms
    await scene.agent.submit("ledger:RenewTimeMark")


async def rename(scene: Scene, own_code: str = "MTR-27-A") -> None:
    system = scene.systems[OWNER]
    move = DeviceMove(device=system.device(METER), to=system.device(own_code))
    (result,) = await scene.owners[OWNER].once("registry:MoveDevices", system, (move,))
    assert result.accepted, result


async def change_prefix(scene: Scene) -> SystemIdentifier:
    """Give the owner another prefix, and bring its device below it."""
    old = scene.systems[OWNER]
    new: SystemIdentifier = (await scene.auditor.submit("registry:ChangePrefix", old)).identifier
    move = DeviceMove(device=old.device(METER), to=new.device(METER))
    (result,) = await scene.owners[OWNER].once("registry:MoveDevices", old, (move,))
    assert result.accepted, result
    return new


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


# --- agreements of others


async def test_agreed_query_uses_up_no_agreement_of_another_application(scene: Scene) -> None:
    agreements = await agree(scene)
    thief = Party(scene.peer, "Org2MSP", "thief", Role.DATA_APPLICATION)
    account = await scene.register(thief, SystemKind.DATA_APPLICATION)
    await thief.submit("registry:RegisterUser", account, "worker-7", (ROLE,))
    publication = PublicationEntry(application=account, identity=PLANT, selectors=scene.selectors())
    await scene.aggregation.submit("catalogue:PublishFields", ROOT, publication)
    rule = RuleEntry(application=account, function="maintenance", selectors=scene.selectors())
    await thief.submit("resolution:SetRule", rule)
    signed = scene.request(application=account)
    signed = replace(signed, signature=thief.sign(signed.request))
    entry = await agreed_entry(scene, agreements, signed=signed, notes=())

    with pytest.raises(AccessDenied, match="is not of"):
        await thief.once("trade:PlaceAgreedOrder", entry)


async def test_agreed_query_takes_a_number_only_of_agreements_that_are_ordered(scene: Scene) -> None:
    agreements = await agree(scene)
    other = await agree(scene)
    entry = await agreed_entry(scene, agreements)
    double = AgreementUse(agreement=other[1].id, number=1)
    with pytest.raises(Conflict, match="two agreements"):
        await scene.application.once("trade:PlaceAgreedOrder", replace(entry, uses=(*entry.uses, double)))
    answers = tuple(one for one in entry.answers if one.roots.system != scene.systems[OWNER])

    agreed = await scene.application.once("trade:PlaceAgreedOrder", replace(entry, answers=answers))

    assert scene.systems[OWNER] not in [line.system for line in agreed.order.lines]
    used = [(await scene.application.ask("trade:ListUses", one.id, "")).numbers for one in agreements]
    assert used == [(1,), (), (1,)]


# --- who is suspended keeps its rights in what was ordered before


@pytest.mark.parametrize("state", [IdentifierState.SUSPENDED, IdentifierState.REVOKED])
async def test_suspended_application_still_denies_a_claim(scene: Scene, state: IdentifierState) -> None:
    order = await placed(scene)
    await scene.owners[OWNER].submit("trade:ClaimHold", claim_evidence(scene, order, OWNER))
    change = SystemChange(state=state, reason="under review")
    await scene.auditor.submit("registry:ChangeSystem", scene.systems["lifecycle"], change)

    denied = await scene.application.submit("trade:DenyClaim", order.id, scene.systems[OWNER], "nothing came")

    assert denied.denial == "nothing came"
    await at(scene, order.deadline_ms + 1)
    rest = tuple(line.system for line in order.lines if line.system != scene.systems[OWNER])
    returned = await scene.application.submit("trade:ReturnHolds", order.id, rest)
    assert returned.amount_milliyuan == TOTAL - PRICE


async def test_suspended_owner_is_paid_for_what_it_delivered_and_sells_nothing_more(scene: Scene) -> None:
    order, other = await placed(scene), await placed(scene)
    await scene.auditor.submit("registry:ChangeSystem", scene.systems[OWNER], SUSPENDED)

    contract = scene.countersign(scene.contract(order, OWNER), OWNER)
    await scene.owners[OWNER].once("trade:DepositContracts", (contract,))
    await scene.owners[OWNER].submit("trade:ClaimHold", claim_evidence(scene, other, OWNER))

    assert (await balance(scene, OWNER))["deltas"] == [PRICE]
    with pytest.raises(Exception, match="suspended"):
        await scene.owners[OWNER].submit(
            "trade:FoldDeltas", scene.systems[OWNER], (MoneyKey(tx_id="0" * 64, number=0),)
        )


# --- claims that nobody decides


async def test_denied_claim_that_no_auditor_decides_in_time_returns_the_money(scene: Scene) -> None:
    order = await placed(scene)
    owner = scene.systems[OWNER]
    await scene.owners[OWNER].submit("trade:ClaimHold", claim_evidence(scene, order, OWNER))
    denied = await scene.application.submit("trade:DenyClaim", order.id, owner, "nothing came")
    await at(scene, denied.denied_ms + DECIDE_MS - 1_000)
    with pytest.raises(HoldClaimed):
        await scene.application.submit("trade:ReturnHolds", order.id, (owner,))
    await at(scene, denied.denied_ms + DECIDE_MS + 1)

    await scene.application.submit("trade:ReturnHolds", order.id, (owner,))

    assert (await balance(scene, "lifecycle"))["notes"] == [PRICE]
    settlement = await scene.application.ask("trade:GetSettlement", order.id, owner)
    assert settlement.state is OrderState.RETURNED
    late = ClaimDecision(
        order=order.id, owner=owner, delivered=True, reason="late", evidence=Digest.of(b"late")
    )
    with pytest.raises(NoHold):
        await scene.auditor.submit("trade:DecideClaim", late)


async def test_auditor_decides_also_after_its_time_while_the_hold_stands(scene: Scene) -> None:
    order = await placed(scene)
    owner = scene.systems[OWNER]
    await scene.owners[OWNER].submit("trade:ClaimHold", claim_evidence(scene, order, OWNER))
    denied = await scene.application.submit("trade:DenyClaim", order.id, owner, "nothing came")
    await at(scene, denied.denied_ms + DECIDE_MS + 1)
    decision = ClaimDecision(
        order=order.id, owner=owner, delivered=True, reason="seen", evidence=Digest.of(b"seen")
    )

    await scene.auditor.submit("trade:DecideClaim", decision)

    assert (await balance(scene, OWNER))["deltas"] == [PRICE]
    with pytest.raises(NoHold):
        await scene.application.submit("trade:ReturnHolds", order.id, (owner,))


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

    renamed = scene.systems[OWNER].device("MTR-27-A")
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


# --- credit and fees


async def test_lines_that_nobody_was_paid_for_are_rated_once_between_the_same_two(scene: Scene) -> None:
    owner = scene.systems[OWNER]
    codes: list[Any] = []
    for _ in range(3):
        order = await placed(scene, hold_ms=1_000)
        await at(scene, order.deadline_ms + 1)
        await scene.application.submit("trade:ReturnHolds", order.id, (owner,))
        try:
            await scene.application.submit("registry:RateSystem", order.id, owner, 0)
            codes.append(None)
        except AlreadyExists as refusal:
            codes.append(refusal.code)
    assert codes == [None, AlreadyExists.code, AlreadyExists.code]


async def test_overdue_fees_are_collected_from_an_owner_that_never_folds(scene: Scene) -> None:
    rates = (FeeRate(kind=FeeKind.FIELD_REGISTRATION, amount_milliyuan=1_000),)
    await scene.administrator.submit("trade:SetFees", ROOT, rates)
    owner, system = scene.owners[OWNER], scene.systems[OWNER]
    committed = await owner.commit(
        "registry:RegisterFields", "debt", system, (field_entry(METER, "frequency", Frequency.DAY),)
    )
    order = await placed(scene)
    await owner.once("trade:DepositContracts", (scene.countersign(scene.contract(order, OWNER), OWNER),))
    await at(scene, scene.peer.time_ms + 31 * 24 * 3600 * 1000)
    fee = FeeKey(kind=FeeKind.FIELD_REGISTRATION, cause=committed.tx_id)
    (row,) = (await scene.administrator.ask("trade:ListDeltas", system, "")).money
    foreign = Party(scene.peer, "Org2MSP", "foreign", Role.PLATFORM_ADMINISTRATOR)
    with pytest.raises(AccessDenied):
        await foreign.submit("trade:FoldDeltas", system, (row.key,))

    folded = await scene.administrator.submit("trade:FoldDeltas", system, (row.key,))
    await scene.administrator.once("trade:PayFees", system, (fee,), (folded.key,))

    assert (await balance(scene, OWNER))["notes"] == [PRICE - 1_000]


async def test_fee_that_rises_counts_after_a_week_so_that_nobody_owes_what_it_could_not_know(
    scene: Scene,
) -> None:
    kind = FeeKind.RESOLUTION
    for amount in (100, 10**12):
        rates = (FeeRate(kind=kind, amount_milliyuan=amount),)
        schedule = await scene.administrator.submit("trade:SetFees", ROOT, rates)
    assert schedule.rises_ms == schedule.set_ms + FEE_NOTICE_MS

    assert (await scene.resolve()).fee_milliyuan == 100
    again = (FeeRate(kind=kind, amount_milliyuan=10**12),)
    await scene.administrator.submit("trade:SetFees", ROOT, again)  # setting it again shortens nothing
    assert (await scene.resolve()).fee_milliyuan == 100
    lower = (FeeRate(kind=kind, amount_milliyuan=50),)
    await scene.administrator.submit("trade:SetFees", ROOT, lower)
    assert (await scene.resolve()).fee_milliyuan == 50
    risen = await scene.administrator.submit("trade:SetFees", ROOT, (replace(lower[0], amount_milliyuan=60),))
    await at(scene, risen.rises_ms)
    assert (await scene.resolve()).fee_milliyuan == 60


async def test_ratings_from_before_a_change_of_prefix_are_counted(scene: Scene) -> None:
    order, old = await placed(scene), scene.systems[OWNER]
    contract = scene.countersign(scene.contract(order, OWNER), OWNER)
    await scene.owners[OWNER].once("trade:DepositContracts", (contract,))
    await scene.application.submit("registry:RateSystem", order.id, old, 0)
    new = await change_prefix(scene)
    key = RatingKey(order=order.id, rater=scene.systems["lifecycle"])

    folded = await scene.aggregation.submit("registry:FoldRatings", new, (key,))

    assert (folded.system, folded.ratings, folded.total) == (new, 1, 0)
    with pytest.raises(NotFound):
        await scene.aggregation.submit("registry:FoldRatings", new, (key,))


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
