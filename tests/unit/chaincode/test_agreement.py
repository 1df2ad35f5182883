"""Agreements: how they are concluded, and what a query under them does and refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.chaincode.party import Party, hexadecimal
from tests.unit.chaincode.scene import PRICES, ROOT, TOTAL, Scene
from tests.unit.chaincode.trading import agree, agreed_entry, balance, terms

from gridledger.model.agreement import AgreedOrder, Agreement, AgreementUse, SignedAgreement
from gridledger.model.device import StandardEntry
from gridledger.model.digest import Digest
from gridledger.model.errors import ModelError
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import (
    AmountDiffers,
    Expired,
    FieldRefused,
    NoHold,
    NotesInsufficient,
    NotTheAgent,
    SignatureRefused,
)
from gridledger.model.fee import FeeKind, FeeRate
from gridledger.model.refusals import AccessDenied, AlreadyExists, CallRepeated, NotFound
from gridledger.model.roles import Role
from gridledger.model.states import OrderState, Outcome
from gridledger.model.system import SystemKind
from gridledger.model.trade import Order
from gridledger.model.trade_refusals import AgreementOver, AgreementUsedUp, NotAgreed, TermsRefused


async def order_agreed(scene: Scene, agreements: list[Agreement], **changes: Any) -> AgreedOrder:
    entry = await agreed_entry(scene, agreements, **changes)
    agreed: AgreedOrder = await scene.application.once("trade:PlaceAgreedOrder", entry)
    return agreed


async def test_agreed_query_is_one_order_with_its_own_resolution_contract_and_settlement(
    scene: Scene,
) -> None:
    agreements = await agree(scene, discount=100)
    entry = await agreed_entry(scene, agreements)
    committed = await scene.application.commit("trade:PlaceAgreedOrder", "one", entry)
    assert committed.event is not None
    assert committed.event[0] == Event.AGREED_ORDER_HELD
    agreed = AgreedOrder.from_bytes(committed.payload)
    order = agreed.order
    assert order is not None
    assert Order.from_bytes(committed.event[1]) == order
    assert order.amount_milliyuan == TOTAL - 4 * 100
    assert {target.agreement for target in agreed.resolution.targets} == {one.id for one in agreements}
    assert await scene.application.ask("resolution:GetResolution", order.resolution) == agreed.resolution
    verdict = await scene.application.ask("integrity:GetVerdict", order.resolution)
    assert agreed.resolution.verdict == Digest.of(verdict.to_bytes())

    contracts = tuple(scene.countersign(scene.contract(order, name), name) for name in scene.owners)
    await scene.application.once("trade:DepositContracts", contracts)

    for line in order.lines:
        settlement = await scene.application.ask("trade:GetSettlement", order.id, line.system)
        assert settlement.state is OrderState.SETTLED
    assert (await balance(scene, "monitoring"))["deltas"] == [PRICES["ac_power"] + PRICES["irradiance"] - 200]


async def test_agreed_query_altered_field_is_withheld_before_it_is_paid(scene: Scene) -> None:
    agreements = await agree(scene)

    agreed = await order_agreed(scene, agreements, altered="ac_power")

    order = agreed.order
    assert order is not None
    assert order.amount_milliyuan == TOTAL - PRICES["ac_power"]
    verdict = await scene.application.ask("integrity:GetVerdict", order.resolution)
    assert [line.field.name for line in verdict.altered()] == ["ac_power"]
    notes = await balance(scene, "lifecycle")
    assert notes["notes"] == [PRICES["ac_power"]]


async def test_agreed_query_of_which_all_is_withheld_is_no_order_but_a_verdict(scene: Scene) -> None:
    agreements = await agree(scene, limit_queries=1)

    agreed = await order_agreed(scene, agreements, answers=())

    assert agreed.order is None
    outcomes = {check.outcome for one in agreed.resolution.targets for f in one.fields for check in f.checks}
    assert outcomes == {Outcome.UNANSWERED}
    assert await scene.application.ask("integrity:GetVerdict", agreed.resolution.id)
    # No query of the agreement was used.
    assert (await order_agreed(scene, agreements)).order is not None


async def test_agreed_query_old_roots_of_another_request_are_refused(scene: Scene) -> None:
    agreements = await agree(scene)
    other = scene.request()
    stale = tuple(scene.answer(owner, other.request) for owner in scene.owners)

    with pytest.raises(Exception, match="not of this request"):
        await order_agreed(scene, agreements, answers=stale)


async def test_agreed_query_number_is_used_once_and_only_within_the_limit(scene: Scene) -> None:
    agreements = await agree(scene, limit_queries=2)
    await order_agreed(scene, agreements, number=2)

    for number in (2, 3):
        with pytest.raises(AgreementUsedUp) as caught:
            await order_agreed(scene, agreements, number=number)
        assert caught.value.fields["number"] == number
    assert (await order_agreed(scene, agreements, number=1)).order is not None
    page = await scene.application.ask("trade:ListUses", agreements[0].id, "")
    assert page.numbers == (1, 2)


async def test_agreement_limit_of_the_amount_is_that_of_whole_queries(scene: Scene) -> None:
    both = PRICES["ac_power"] + PRICES["irradiance"]
    made = terms(scene, "monitoring", limit_queries=None, limit_milliyuan=3 * both - 1)
    assert made.queries() == 2
    with pytest.raises(ModelError, match="does not cover one query"):
        terms(scene, "monitoring", limit_queries=None, limit_milliyuan=both - 1)
    with pytest.raises(ModelError, match="want a limit"):
        terms(scene, "monitoring", limit_queries=None)


async def test_agreed_query_request_is_used_once(scene: Scene) -> None:
    agreements = await agree(scene)
    signed = scene.request()
    await order_agreed(scene, agreements, signed=signed)

    with pytest.raises(AlreadyExists):
        await order_agreed(scene, agreements, signed=signed, number=2)
    resolved = scene.request()
    await scene.resolve(resolved)
    with pytest.raises(AlreadyExists):
        await order_agreed(scene, agreements, signed=resolved, number=2)


async def test_agreed_query_repeated_call_key_orders_once(scene: Scene) -> None:
    agreements = await agree(scene)
    entry = await agreed_entry(scene, agreements)
    await scene.application.commit("trade:PlaceAgreedOrder", "one", entry)

    with pytest.raises(CallRepeated):
        await scene.application.commit("trade:PlaceAgreedOrder", "one", entry)


async def test_agreed_query_without_an_agreement_of_each_owner_is_refused_by_field(scene: Scene) -> None:
    agreements = await agree(scene)
    with pytest.raises(NotAgreed, match="#order_type"):
        await order_agreed(scene, agreements[:2])
    narrow = await agree(scene, only="ac_power")
    with pytest.raises(NotAgreed, match="#irradiance"):
        await order_agreed(scene, [agreements[0], narrow[1], agreements[2]])
    for other in ("quality", "inspection"):
        foreign = await agree(scene, function=other)
        with pytest.raises(AccessDenied, match="is not of"):
            await order_agreed(scene, foreign)
    entry = await agreed_entry(scene, agreements)
    unknown = AgreementUse(agreement=hexadecimal("none"), number=1)
    with pytest.raises(NotFound):
        await scene.application.once("trade:PlaceAgreedOrder", replace(entry, uses=(unknown,)))


async def test_agreed_query_rights_are_decided_as_for_every_request(scene: Scene) -> None:
    agreements = await agree(scene)
    application = scene.systems["lifecycle"]
    await scene.application.submit("registry:RegisterUser", application, "visitor-1", ("visitor",))

    visitor = scene.request(user="visitor-1", user_role="visitor", wanted=scene.selectors())
    with pytest.raises(FieldRefused, match="does not admit visitor"):
        await order_agreed(scene, agreements, signed=visitor)
    old = scene.request(made_ms=scene.peer.time_ms - 400_000)
    with pytest.raises(Expired):
        await order_agreed(scene, agreements, signed=old)
    forged = replace(scene.request(), signature=scene.owners["monitoring"].sign(old.request))
    with pytest.raises(SignatureRefused):
        await order_agreed(scene, agreements, signed=forged)
    stranger = Party(scene.peer, "Org2MSP", "stranger", Role.DATA_APPLICATION)
    with pytest.raises(NotTheAgent):
        await stranger.once("trade:PlaceAgreedOrder", await agreed_entry(scene, agreements))


async def test_agreed_query_pays_at_most_what_it_says_and_what_it_has(scene: Scene) -> None:
    agreements = await agree(scene)

    with pytest.raises(AmountDiffers):
        await order_agreed(scene, agreements, most_milliyuan=TOTAL - 1)
    few = await scene.pay_in(TOTAL - 1)
    with pytest.raises(NotesInsufficient):
        await order_agreed(scene, agreements, notes=few)


async def test_agreed_price_holds_when_the_standard_changes(scene: Scene) -> None:
    agreements = await agree(scene)
    raised = StandardEntry(field=scene.device("monitoring").field("ac_power"), price_milliyuan=9_000)
    (result,) = await scene.owners["monitoring"].once(
        "registry:SetChargingStandards", scene.systems["monitoring"], (raised,)
    )
    assert result.accepted, result.message

    agreed = await order_agreed(scene, agreements)

    assert agreed.order is not None
    assert agreed.order.amount_milliyuan == TOTAL


async def test_agreement_over_the_standard_or_of_another_version_is_refused(scene: Scene) -> None:
    made = terms(scene, "monitoring")
    dear = replace(made.fields[0], price_milliyuan=PRICES["ac_power"] + 1)
    other = replace(made.fields[1], standard_version=2)
    bad = replace(made, fields=(dear, other))

    with pytest.raises(TermsRefused) as caught:
        await conclude(scene, bad)

    assert len(caught.value.fields["problems"]) == 2  # type: ignore[arg-type]
    now = scene.peer.time_ms
    over = replace(made, valid_from_ms=now - 9_000, valid_until_ms=now - 1)
    with pytest.raises(TermsRefused, match="would be over"):
        await conclude(scene, over)


async def test_agreement_longer_than_a_standard_holds_is_refused(scene: Scene) -> None:
    now = scene.peer.time_ms
    field = scene.device("monitoring").field("ac_power")
    party, system = scene.owners["monitoring"], scene.systems["monitoring"]
    later = StandardEntry(field=field, price_milliyuan=2_000, valid_from_ms=now + 900_000)
    (result,) = await party.once("registry:SetChargingStandards", system, (later,))
    assert result.accepted, result.message
    made = terms(scene, "monitoring")

    with pytest.raises(TermsRefused, match="ends before the agreement"):
        await conclude(scene, made)
    await conclude(scene, replace(made, valid_until_ms=now + 900_000))

    ending = StandardEntry(field=field, price_milliyuan=700, valid_until_ms=now + 800_000)
    (result,) = await party.once("registry:SetChargingStandards", system, (ending,))
    assert result.accepted, result.message
    cheap = terms(scene, "monitoring", valid_until_ms=now + 800_001)
    fields = (replace(cheap.fields[0], price_milliyuan=700, standard_version=3), *cheap.fields[1:])
    with pytest.raises(TermsRefused, match="ends before the agreement"):
        await conclude(scene, replace(cheap, fields=fields))


async def conclude(scene: Scene, made: Any, owner: str = "monitoring", **changes: bytes) -> Agreement:
    signed = SignedAgreement(
        terms=made,
        application_signature=scene.application.sign(made),
        owner_signature=scene.owners[owner].sign(made),
    )
    concluded: Agreement = await scene.application.submit(
        "trade:ConcludeAgreement",
        replace(signed, **changes),  # type: ignore[arg-type]
    )
    return concluded


async def test_agreement_wants_both_signatures_and_a_party(scene: Scene) -> None:
    made = terms(scene, "monitoring")
    for changes in (
        {"owner_signature": scene.application.sign(made)},
        {"owner_signature": scene.owners["construction"].sign(made)},
        {"application_signature": b""},
    ):
        with pytest.raises(SignatureRefused):
            await conclude(scene, made, **changes)
    unsigned = SignedAgreement(terms=made, application_signature=scene.application.sign(made))
    with pytest.raises(SignatureRefused):
        await scene.application.submit("trade:ConcludeAgreement", unsigned)
    signed = replace(unsigned, owner_signature=scene.owners["monitoring"].sign(made))
    with pytest.raises(NotTheAgent):
        await scene.owners["construction"].submit("trade:ConcludeAgreement", signed)
    with pytest.raises(AccessDenied):
        await conclude(scene, replace(made, application=scene.systems["maintenance"]))
    await conclude(scene, made)
    with pytest.raises(AlreadyExists):
        await conclude(scene, made)


async def test_agreement_before_after_and_ended_gives_nothing(scene: Scene) -> None:
    now = scene.peer.time_ms
    later = await agree(scene, valid_from_ms=now + 500_000, valid_until_ms=now + 600_000)
    with pytest.raises(AgreementOver, match="has not begun"):
        await order_agreed(scene, later)
    agreements = await agree(scene, valid_from_ms=now, valid_until_ms=now + 90_000)
    stranger = Party(scene.peer, "Org2MSP", "stranger", Role.DATA_APPLICATION)
    await scene.register(stranger, SystemKind.DATA_APPLICATION)
    with pytest.raises(NotTheAgent):
        await stranger.submit("trade:EndAgreement", agreements[1].id)

    ended = await scene.owners["monitoring"].submit("trade:EndAgreement", agreements[1].id)

    assert ended.ended_by == scene.systems["monitoring"]
    with pytest.raises(AgreementOver, match="was ended by"):
        await order_agreed(scene, agreements)
    with pytest.raises(AgreementOver):
        await scene.application.submit("trade:EndAgreement", agreements[1].id)
    scene.peer.time_ms = now + 90_000
    await scene.agent.submit("ledger:RenewTimeMark")
    with pytest.raises(AgreementOver, match="has run out"):
        await order_agreed(scene, [agreements[0]])


async def test_agreements_are_listed_for_both_parties_by_function(scene: Scene) -> None:
    agreements = await agree(scene)
    page = await scene.application.ask("trade:ListAgreements", scene.systems["lifecycle"], "maintenance", "")
    assert {one.id for one in page.agreements} == {one.id for one in agreements}
    page = await scene.application.ask("trade:ListAgreements", scene.systems["lifecycle"], "quality", "")
    assert page.agreements == ()
    page = await scene.application.ask("trade:ListAgreements", scene.systems["monitoring"], "", "")
    assert [one.id for one in page.agreements] == [agreements[1].id]
    assert await scene.application.ask("trade:GetAgreement", agreements[0].id) == agreements[0]


async def test_agreed_query_pays_its_fee_to_the_platform(scene: Scene) -> None:
    rates = (FeeRate(kind=FeeKind.AGREED_QUERY, amount_milliyuan=50),)
    await scene.administrator.submit("trade:SetFees", ROOT, rates)
    agreements = await agree(scene, discount=20)

    agreed = await order_agreed(scene, agreements)

    assert agreed.order is not None
    assert agreed.order.fee_milliyuan == 50
    assert (await balance(scene, "root"))["deltas"] == [50]
    # The order's contracts are the owners' alone.
    contract = scene.countersign(scene.contract(agreed.order, "monitoring"), "monitoring")
    await scene.application.once("trade:DepositContracts", (contract,))
    with pytest.raises(NoHold):
        await scene.application.once("trade:DepositContracts", (contract,))
