"""What a hostile member tries with agreements, claims, ratings and fees; accidents that cost like it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.chaincode.moving import OWNER, change_prefix
from tests.unit.chaincode.party import Party
from tests.unit.chaincode.scene import METER, PLANT, PRICES, ROLE, ROOT, TOTAL, Scene, field_entry
from tests.unit.chaincode.trading import agree, agreed_entry, at, balance, claim_evidence, placed

from gridledger.model.agreement import AgreementUse
from gridledger.model.catalogue import PublicationEntry
from gridledger.model.change import SystemChange
from gridledger.model.claim import DECIDE_MS, ClaimDecision
from gridledger.model.credit import RatingKey
from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import NoHold
from gridledger.model.fee import FEE_NOTICE_MS, FeeKey, FeeKind, FeeRate
from gridledger.model.period import Frequency
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict, NotFound
from gridledger.model.resolution import RuleEntry
from gridledger.model.roles import Role
from gridledger.model.states import IdentifierState, OrderState
from gridledger.model.system import SystemKind
from gridledger.model.trade import MoneyKey
from gridledger.model.trade_refusals import HoldClaimed

PRICE = PRICES["ac_power"] + PRICES["irradiance"]
SUSPENDED = SystemChange(state=IdentifierState.SUSPENDED, reason="under review")


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
