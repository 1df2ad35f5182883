"""Claims: who is paid where an owner and an application disagree about a delivery."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.chaincode.party import Party, hexadecimal
from tests.unit.chaincode.scene import PRICES, Scene
from tests.unit.chaincode.trading import at, balance, claim_evidence, placed

from gridledger.model.claim import ANSWER_MS, ClaimDecision
from gridledger.model.digest import Digest
from gridledger.model.exchange_refusals import (
    ContractDiffers,
    Expired,
    NoHold,
    NotTheAgent,
    SignatureRefused,
)
from gridledger.model.refusals import AccessDenied, AlreadyExists, NotFound
from gridledger.model.roles import Role
from gridledger.model.states import OrderState
from gridledger.model.system import SystemKind
from gridledger.model.trade import Order
from gridledger.model.trade_refusals import AnswerTimeLeft, ClaimDenied, ClaimNotDenied, HoldClaimed

OWNER = "monitoring"
PRICE = PRICES["ac_power"] + PRICES["irradiance"]


async def claimed(scene: Scene) -> Order:
    order = await placed(scene)
    await scene.owners[OWNER].submit("trade:ClaimHold", claim_evidence(scene, order, OWNER))
    return order


def decision(scene: Scene, order: Order, *, delivered: bool) -> ClaimDecision:
    return ClaimDecision(
        order=order.id,
        owner=scene.systems[OWNER],
        delivered=delivered,
        reason="delivered again before the auditor",
        evidence=Digest.of(b"what the auditor saw"),
    )


async def test_claimed_hold_does_not_return_and_is_paid_when_nobody_answers(scene: Scene) -> None:
    order = await claimed(scene)
    owner = scene.systems[OWNER]
    with pytest.raises(AnswerTimeLeft):
        await scene.owners[OWNER].submit("trade:SettleClaim", order.id, owner)
    await at(scene, order.deadline_ms + 1)
    with pytest.raises(HoldClaimed):
        await scene.application.submit("trade:ReturnHolds", order.id, (owner,))
    others = tuple(line.system for line in order.lines if line.system != owner)
    await scene.application.submit("trade:ReturnHolds", order.id, others)

    claim = await scene.application.ask("trade:GetClaim", order.id, owner)
    await at(scene, claim.answer_until_ms + 1)
    with pytest.raises(Expired):
        await scene.application.submit("trade:DenyClaim", order.id, owner, "too late")
    line = await scene.owners[OWNER].submit("trade:SettleClaim", order.id, owner)

    assert line.amount_milliyuan == PRICE
    assert (await balance(scene, OWNER))["deltas"] == [PRICE]
    settlement = await scene.application.ask("trade:GetSettlement", order.id, owner)
    assert settlement.state is OrderState.SETTLED
    assert settlement.statement == Digest.of(claim.evidence.statement.to_bytes())
    assert settlement.contract is None
    for function in ("trade:SettleClaim", "trade:ReturnHolds"):
        owners: Any = owner if function == "trade:SettleClaim" else (owner,)
        with pytest.raises(NoHold):
            await scene.agent.submit(function, order.id, owners)


async def test_claim_answered_by_the_receipt_settles_with_the_contract(scene: Scene) -> None:
    order = await claimed(scene)
    contract = scene.countersign(scene.contract(order, OWNER), OWNER)

    await scene.owners[OWNER].once("trade:DepositContracts", (contract,))

    settlement = await scene.application.ask("trade:GetSettlement", order.id, scene.systems[OWNER])
    assert settlement.contract == Digest.of(contract.contract.to_bytes())
    with pytest.raises(NoHold):
        await scene.application.submit("trade:DenyClaim", order.id, scene.systems[OWNER], "no")


@pytest.mark.parametrize("delivered", [True, False])
async def test_claim_denied_is_decided_by_an_auditor_of_the_platform(scene: Scene, delivered: bool) -> None:
    order = await claimed(scene)
    owner = scene.systems[OWNER]
    found = decision(scene, order, delivered=delivered)
    with pytest.raises(ClaimNotDenied):
        await scene.auditor.submit("trade:DecideClaim", found)
    denied = await scene.application.submit("trade:DenyClaim", order.id, owner, "no row came")
    assert denied.denial == "no row came"
    with pytest.raises(ClaimDenied):
        await scene.application.submit("trade:DenyClaim", order.id, owner, "again")
    await at(scene, denied.answer_until_ms + 1)
    with pytest.raises(ClaimDenied):
        await scene.owners[OWNER].submit("trade:SettleClaim", order.id, owner)
    with pytest.raises(HoldClaimed):
        await scene.application.submit("trade:ReturnHolds", order.id, (owner,))
    foreign = Party(scene.peer, "Org2MSP", "foreign", Role.AUDITOR)
    with pytest.raises(AccessDenied, match="not the platform"):
        await foreign.submit("trade:DecideClaim", found)

    decided = await scene.auditor.submit("trade:DecideClaim", found)

    assert decided.decision == found
    assert (await balance(scene, OWNER))["deltas"] == ([PRICE] if delivered else [])
    assert (await balance(scene, "lifecycle"))["notes"] == ([] if delivered else [PRICE])
    with pytest.raises(NoHold):
        await scene.auditor.submit("trade:DecideClaim", found)


async def test_claim_twice_or_without_a_hold_is_refused(scene: Scene) -> None:
    order = await claimed(scene)
    evidence = claim_evidence(scene, order, OWNER)
    with pytest.raises(AlreadyExists):
        await scene.owners[OWNER].submit("trade:ClaimHold", evidence)
    other = await placed(scene)
    contract = scene.countersign(scene.contract(other, OWNER), OWNER)
    await scene.application.once("trade:DepositContracts", (contract,))
    with pytest.raises(NoHold):
        await scene.owners[OWNER].submit("trade:ClaimHold", claim_evidence(scene, other, OWNER))
    with pytest.raises(NotFound):
        await scene.application.submit(
            "trade:DenyClaim", other.id, scene.systems["construction"], "nobody claims"
        )


@pytest.mark.parametrize(
    ("asked", "stated", "what"),
    [
        ({"order": hexadecimal("another")}, {}, "the request's order"),
        ({"resolution": hexadecimal("another")}, {}, "the request's order"),
        ({}, {"request": Digest.of(b"another")}, "the statement's request"),
        ({}, {"rows": 1}, "the number of rows"),
        ({"asked_ms": 1}, {}, "the time"),
        ({}, {"delivered_ms": 2_000_000_000_000}, "the time"),
    ],
)
async def test_claim_that_is_not_of_the_order_is_refused(
    scene: Scene, asked: dict[str, Any], stated: dict[str, Any], what: str
) -> None:
    order = await placed(scene)
    evidence = claim_evidence(scene, order, OWNER, asked=asked, stated=stated)

    with pytest.raises(ContractDiffers, match=what):
        await scene.owners[OWNER].submit("trade:ClaimHold", evidence)


async def test_claim_with_a_replayed_request_of_another_order_or_owner_is_refused(scene: Scene) -> None:
    first, second = await placed(scene), await placed(scene)
    replayed = claim_evidence(scene, first, OWNER).asked
    evidence = claim_evidence(scene, second, OWNER)
    statement = replace(evidence.statement, request=Digest.of(replayed.request.to_bytes()))
    mixed = replace(
        evidence, asked=replayed, statement=statement, signature=scene.owners[OWNER].sign(statement)
    )
    with pytest.raises(ContractDiffers):
        await scene.owners[OWNER].submit("trade:ClaimHold", mixed)
    foreign = claim_evidence(scene, second, "construction")
    statement = replace(evidence.statement, request=Digest.of(foreign.asked.request.to_bytes()))
    mixed = replace(
        evidence, asked=foreign.asked, statement=statement, signature=scene.owners[OWNER].sign(statement)
    )
    with pytest.raises(ContractDiffers, match="the parties"):
        await scene.owners[OWNER].submit("trade:ClaimHold", mixed)


async def test_claim_with_a_forged_signature_or_by_another_is_refused(scene: Scene) -> None:
    order = await placed(scene)
    good = claim_evidence(scene, order, OWNER)
    forged = replace(
        good.asked, signature=scene.owners[OWNER].sign(good.asked.request)
    )  # the owner asks itself
    for bad in (
        replace(good, asked=forged),
        replace(good, signature=scene.application.sign(good.statement)),
        replace(good, signature=b""),
    ):
        with pytest.raises(SignatureRefused):
            await scene.owners[OWNER].submit("trade:ClaimHold", bad)
    with pytest.raises(NotTheAgent):
        await scene.owners["construction"].submit("trade:ClaimHold", good)
    stranger = Party(scene.peer, "Org2MSP", "stranger", Role.DATA_APPLICATION)
    await scene.register(stranger, SystemKind.DATA_APPLICATION)
    await scene.owners[OWNER].submit("trade:ClaimHold", good)
    with pytest.raises(NotTheAgent):
        await stranger.submit("trade:DenyClaim", order.id, scene.systems[OWNER], "not mine")


def test_time_to_answer_is_a_weekend() -> None:
    assert ANSWER_MS == 72 * 3600 * 1000
