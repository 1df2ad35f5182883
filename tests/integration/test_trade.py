"""Agreements, claims and many payments at once, in the world that the run option says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from tests.integration.exchange import fund, signed_request
from tests.integration.test_slice import PRICE, altered, ordered, resolved

from gridledger.exchange.agreement_book import propose_terms
from gridledger.exchange.business_system import BusinessSystem
from gridledger.exchange.collector import Collection, Collector
from gridledger.exchange.data_application import DataApplication
from gridledger.exchange.demo.opening import FUNCTION
from gridledger.exchange.demo.scene import APPLICATION, Scene
from gridledger.exchange.messages import AGREED_ROOTS_PATH, DELIVERIES_PATH, AgreedQuestion
from gridledger.exchange.purse import Purse
from gridledger.exchange.settings import BusinessSettings
from gridledger.exchange.statement import make_statement
from gridledger.model.agreement import Agreement, SignedAgreement
from gridledger.model.delivery import Delivery
from gridledger.model.exchange_refusals import (
    ContractDiffers,
    HoldNotOver,
    NoHold,
    NotesInsufficient,
    SignatureRefused,
)
from gridledger.model.integrity import SignedRoots
from gridledger.model.refusals import NotFound
from gridledger.model.states import OrderState
from gridledger.model.trade import MoneyKey, Order, OrderEntry, OwnedMoney
from gridledger.model.trade_refusals import HoldClaimed, NotAgreed
from gridledger.web import NotPermitted

PAYMENTS = 12
AFFORDED = 7
TOGETHER = 6


@pytest.fixture(scope="module")
async def agreements(scene: Scene) -> AsyncIterator[list[Agreement]]:
    """Give an agreement with each owner over what the rule names, at half the price; end them at last."""
    ledger = scene.cast[APPLICATION].ledger
    decided = await ledger.decide(await signed_request(scene))
    now_ms = int(time.time() * 1000)
    found: list[Agreement] = []
    for target in decided.targets:
        terms = await propose_terms(
            ledger,
            scene.systems[APPLICATION],
            FUNCTION,
            [field.field for field in target.fields],
            valid_from_ms=now_ms - 1_000,
            valid_until_ms=now_ms + 3_600_000,
            limit_queries=50,
            discount_percent=50,
        )
        owner = next(name for name, system in scene.systems.items() if system == target.system)
        signed = SignedAgreement(
            terms=terms,
            application_signature=await scene.cast[APPLICATION].sign(terms),
            owner_signature=await scene.cast[owner].sign(terms),
        )
        found.append(await ledger.conclude_agreement(signed))
    await scene.cast.even()
    yield found
    for agreement in found:
        await ledger.end_agreement(agreement.id)


async def test_agreed_query_is_ordered_fetched_and_settled_without_the_aggregation_system(
    scene: Scene, agreements: list[Agreement]
) -> None:
    await fund(scene, PRICE)
    party = scene.cast[APPLICATION]
    alone = DataApplication(party, scene.systems[APPLICATION])

    result = await alone.query_agreed(await signed_request(scene))

    assert {one.error for one in result.fetched} == {None}
    assert sum(line.amount_milliyuan for line in result.settled) == PRICE // 2
    assert {target.agreement for target in result.resolution.targets} == {one.id for one in agreements}
    for one in result.fetched:
        contract = await party.ledger.contract(result.order.id, one.owner)
        assert contract.contract.resolution == result.resolution.id
        settlement = await party.ledger.settlement(result.order.id, one.owner)
        assert settlement.state is OrderState.SETTLED
    # The order's transaction decided, too.
    assert result.resolution.resolved_ms == result.order.placed_ms


async def test_agreed_query_finds_altered_rows_before_they_are_paid(
    scene: Scene, agreements: list[Agreement]
) -> None:
    assert agreements
    await fund(scene, PRICE)
    with altered(scene):
        result = await scene.application.query_agreed(await signed_request(scene))

    target = result.resolution.target(scene.systems["monitoring"])
    assert target is not None
    assert {one.field.name for one in target.fields if one.withheld} == {"ac_power"}
    verdict = await scene.cast[APPLICATION].ledger.verdict(result.resolution.id)
    assert [line.field.name for line in verdict.altered()] == ["ac_power"]
    paid = sum(line.amount_milliyuan for line in result.settled)
    assert paid == sum(target.amount_milliyuan() for target in result.resolution.targets)
    assert paid < PRICE // 2


async def test_agreed_queries_at_the_same_time_take_numbers_of_their_own(
    scene: Scene, agreements: list[Agreement]
) -> None:
    await fund(scene, *[PRICE] * 3)

    requests = [await signed_request(scene) for _ in range(3)]

    results = await asyncio.gather(*(scene.application.query_agreed(one) for one in requests))

    assert len({result.order.id for result in results}) == 3
    ledger = scene.cast[APPLICATION].ledger
    await scene.cast.even()
    used = (await ledger.agreement_uses(agreements[0].id)).numbers
    assert len(used) == len(set(used)) >= 3


async def test_agreed_roots_are_for_the_parties_of_the_agreement(
    scene: Scene, agreements: list[Agreement]
) -> None:
    url = scene.servers.urls["monitoring"]
    by_owner = {one.terms.owner: one for one in agreements}
    question = AgreedQuestion(
        signed=await signed_request(scene), agreement=by_owner[scene.systems["monitoring"]].id
    )
    with pytest.raises(NotPermitted):
        await scene.cast["construction"].call(url, AGREED_ROOTS_PATH, question, gives=SignedRoots)
    foreign = replace(question, agreement=by_owner[scene.systems["construction"]].id)
    with pytest.raises(NotPermitted):
        await scene.cast[APPLICATION].call(url, AGREED_ROOTS_PATH, foreign, gives=SignedRoots)


async def test_agreed_query_of_a_function_without_agreements_is_refused(scene: Scene) -> None:
    with pytest.raises((NotAgreed, NotFound)):
        await scene.application.query_agreed(await signed_request(scene, function="quality"))


async def test_fetch_with_a_request_of_another_order_or_a_forged_one_is_refused(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    other_resolution, other = await ordered(scene)
    owner, party = scene.systems["monitoring"], scene.cast[APPLICATION]
    url = scene.servers.urls["monitoring"]
    good = await scene.application.ask_for(resolution, order, owner)
    replayed = await scene.application.ask_for(other_resolution, other, owner)

    for bad, refusal in (
        (replace(good, asked=replayed.asked), ContractDiffers),
        (replace(good, context=replayed.context), ContractDiffers),
        (replace(good, asked=replace(good.asked, signature=replayed.asked.signature)), SignatureRefused),
    ):
        with pytest.raises(refusal):
            await party.call(url, DELIVERIES_PATH, bad, gives=Delivery)


async def _delivered_without_receipt(scene: Scene) -> tuple[Order, BusinessSystem]:
    """Let the application take a delivery and sign nothing; the hold ends soon after the server's margin."""
    resolution, order = await ordered(scene)
    owner = scene.systems["monitoring"]
    question = await scene.application.ask_for(resolution, order, owner)
    reply = await scene.cast[APPLICATION].call(
        scene.servers.urls["monitoring"], DELIVERIES_PATH, question, gives=Delivery
    )
    assert reply.value.rows()
    settings = BusinessSettings.from_file(scene.folder / "monitoring" / "system.toml")
    return order, BusinessSystem.open(settings)


async def test_owner_without_a_receipt_claims_its_hold_and_it_does_not_return(scene: Scene) -> None:
    order, owner = await _delivered_without_receipt(scene)
    system = scene.systems["monitoring"]
    ledger = scene.cast[APPLICATION].ledger
    async with owner:
        collected = await Collector(owner, grace_s=0).collect()
        outcomes = {one.order: one.outcome for one in collected}
        assert outcomes[order.id] is Collection.CLAIMED
    await scene.cast.even()
    claim = await ledger.claim(order.id, system)
    assert claim.evidence.asked.request.order == order.id
    with pytest.raises((HoldNotOver, HoldClaimed)):
        await scene.application.return_holds(order, [system])

    denied = await ledger.deny_claim(order.id, system, "made: nothing came")

    assert denied.denial == "made: nothing came"


async def test_owner_deposits_a_receipt_that_the_application_keeps_to_itself(scene: Scene) -> None:
    resolution, order = await ordered(scene)
    fetched = await scene.application.fetch(resolution, order)
    assert {one.error for one in fetched} == {None}
    settings = BusinessSettings.from_file(scene.folder / "monitoring" / "system.toml")
    async with BusinessSystem.open(settings) as owner:
        outcomes = {one.order: one.outcome for one in await Collector(owner, grace_s=0).collect()}
    assert outcomes[order.id] is Collection.PAID
    await scene.cast.even()

    settlement = await scene.cast[APPLICATION].ledger.settlement(order.id, scene.systems["monitoring"])

    assert settlement.account == scene.systems["monitoring"]
    with pytest.raises(NoHold):
        await scene.application.settle(fetched)


class _LaterNotes(Purse):
    """A purse that leaves alone what the account had before."""

    earlier: frozenset[MoneyKey] = frozenset()

    async def notes(self) -> list[OwnedMoney]:
        return [note for note in await super().notes() if note.key not in self.earlier]


async def test_orders_at_the_same_time_take_exactly_what_the_balance_covers(scene: Scene) -> None:
    party, account = scene.cast[APPLICATION], scene.systems[APPLICATION]
    purse = _LaterNotes(party.ledger, account)
    purse.earlier = frozenset(note.key for note in await purse.notes())
    payer = DataApplication(party, account, scene.aggregation)
    payer.purse = purse
    await fund(scene, *[PRICE] * 3, 2 * PRICE + 5, 2 * PRICE - 5, PRICE - 1)
    resolutions = [await resolved(scene) for _ in range(PAYMENTS)]
    await scene.cast.even()

    outcomes = await asyncio.gather(
        *(payer.order(resolution) for resolution in resolutions), return_exceptions=True
    )

    placed = [one for one in outcomes if isinstance(one, Order)]
    refused = [one for one in outcomes if not isinstance(one, Order)]
    assert {type(one) for one in refused} == {NotesInsufficient}
    assert len(placed) == AFFORDED
    await scene.cast.even()
    assert await purse.balance_milliyuan() == PRICE - 1


async def test_queries_at_the_same_time_share_transactions_and_leave_their_own_records(scene: Scene) -> None:
    application, ledger = scene.application, scene.cast[APPLICATION].ledger
    notes = await fund(scene, *[PRICE] * (TOGETHER - 1))
    resolutions = await asyncio.gather(*(resolved(scene) for _ in range(TOGETHER)))
    await scene.cast.even()
    entries = [
        OrderEntry(
            application=scene.systems[APPLICATION],
            resolution=one.id,
            amount_milliyuan=PRICE,
            notes=(note,),
            hold_ms=900_000,
        )
        for one, note in zip(resolutions, (*notes, notes[-1]), strict=True)
    ]

    outcomes = await asyncio.gather(*(ledger.place_order(one) for one in entries), return_exceptions=True)
    orders = [one for one in outcomes if isinstance(one, Order)]

    assert [type(one) for one in outcomes] == [Order] * (TOGETHER - 1) + [NotFound]
    assert len({one.id for one in orders}) == len(orders)
    assert len({one.placed_ms for one in orders}) == 1, "they are of one transaction"
    fetched = await asyncio.gather(
        *(application.fetch(*each) for each in zip(resolutions, orders, strict=False))
    )
    settled = await asyncio.gather(*(application.settle(one) for one in fetched))
    for order, lines in zip(orders, settled, strict=True):
        assert {line.order for line in lines} == {order.id}
        assert await ledger.order(order.id) == order
        for line in order.lines:
            contract = (await ledger.contract(order.id, line.system)).contract
            assert (contract.order, contract.amount_milliyuan) == (order.id, line.amount_milliyuan)
            assert (await ledger.settlement(order.id, line.system)).state is OrderState.SETTLED


async def test_statement_closes_with_what_stands_in_the_account(scene: Scene) -> None:
    party, account = scene.cast[APPLICATION], scene.systems[APPLICATION]
    await fund(scene, 5)

    statement = await make_statement(party.ledger, account)

    balance = await Purse(party.ledger, account).balance_milliyuan()
    assert statement.closing.available_milliyuan == balance
    assert statement.entries[-1].amount_milliyuan == 5
    later = await make_statement(party.ledger, account, from_ms=statement.entries[-1].made_ms)
    assert (later.closing, later.entries) == (statement.closing, statement.entries[-1:])
    assert later.opening.available_milliyuan == balance - 5
