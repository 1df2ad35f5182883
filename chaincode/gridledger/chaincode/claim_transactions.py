"""The functions of `trade` for claims: who is right where an owner and an application disagree.

    the application's receipt stands          the owner is paid (`DepositContracts`)
    the owner's statement stands, no answer   the owner is paid once the time to answer is over
    the application denies it                 an auditor has it delivered again before its eyes, and decides
    no auditor decides it within 30 days      the hold returns (`ReturnHolds`): who claims has to show it
    neither stands                            the hold returns after its deadline (`ReturnHolds`)

Source: CN112508707B, [0096] to [0099].
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.claiming import check_evidence
from gridledger.chaincode.journal import Journal
from gridledger.chaincode.ledger_key import (
    claim_key,
    hold_key,
    order_key,
    resolution_key,
    system_key,
)
from gridledger.chaincode.money import make_notes
from gridledger.chaincode.permission import acting_system, require_agent, require_platform
from gridledger.chaincode.settling import pay_owner, return_hold
from gridledger.model.claim import ANSWER_MS, Claim, ClaimDecision, ClaimEvidence
from gridledger.model.digest import Digest
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import Expired, NoHold
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.notice import ClaimNotice, OrdersSettled, SettledLine
from gridledger.model.refusals import AlreadyExists
from gridledger.model.roles import Role
from gridledger.model.system import ShortText, SystemKind
from gridledger.model.trade import Hold, OrderId
from gridledger.model.trade_refusals import AnswerTimeLeft, ClaimDenied, ClaimNotDenied
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["ClaimTransactions"]


class ClaimTransactions(Contract):
    """Claims of owners that delivered and got no receipt."""

    @transaction(roles=(Role.BUSINESS_SYSTEM,))
    async def claim_hold(self, ctx: Context, evidence: ClaimEvidence) -> Claim:
        """Claim a hold by the application's signed request and the owner's signed delivery statement."""
        statement = evidence.statement
        owner = await acting_system(ctx, statement.owner, SystemKind.BUSINESS_SYSTEM, winding_up=True)
        order = await ctx.require(order_key(statement.order))
        await _require_hold(ctx, statement.order, statement.owner)
        key = claim_key(statement.order, statement.owner)
        if await ctx.get(key) is not None:
            raise AlreadyExists("claim", f"{statement.order} {statement.owner}")
        resolution = await ctx.require(resolution_key(order.resolution))
        application = await ctx.require(system_key(order.application))
        now_ms = await ctx.now_ms()
        check_evidence(evidence, order, resolution, application, owner, now_ms)
        claim = Claim(evidence=evidence, claimed_ms=now_ms, answer_until_ms=now_ms + ANSWER_MS)
        await ctx.put(key, claim)
        ctx.emit(Event.HOLD_CLAIMED, _notice(claim))
        return claim

    @transaction(roles=(Role.DATA_APPLICATION,))
    async def deny_claim(
        self, ctx: Context, order_id: OrderId, owner: SystemIdentifier, denial: ShortText
    ) -> Claim:
        """Say that nothing was delivered, or not what was ordered; an auditor then decides."""
        order = await ctx.require(order_key(order_id))
        require_agent(ctx, await ctx.require(system_key(order.application)), winding_up=True)
        claim = await ctx.require(claim_key(order_id, owner))
        await _require_hold(ctx, order_id, owner)
        now_ms = await ctx.now_ms()
        if claim.denied_ms is not None:
            raise ClaimDenied("the claim was denied before")
        if now_ms > claim.answer_until_ms:
            raise Expired("the time to answer the claim is over")
        denied = replace(claim, denied_ms=now_ms, denial=denial)
        await ctx.put(claim_key(order_id, owner), denied)
        ctx.emit(Event.CLAIM_DENIED, _notice(denied))
        return denied

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.AGENT))
    async def settle_claim(self, ctx: Context, order_id: OrderId, owner: SystemIdentifier) -> SettledLine:
        """Pay an owner whose claim was not answered in time; the owner may call it, and every agent."""
        if Role.AGENT not in ctx.roles:
            await acting_system(ctx, owner, SystemKind.BUSINESS_SYSTEM, winding_up=True)
        claim = await ctx.require(claim_key(order_id, owner))
        hold = await _require_hold(ctx, order_id, owner)
        now_ms = await ctx.now_ms()
        if claim.denied_ms is not None:
            raise ClaimDenied("an auditor decides the claim")
        if now_ms <= claim.answer_until_ms:
            raise AnswerTimeLeft(answer_until_ms=claim.answer_until_ms, now_ms=now_ms)
        line = await _pay(ctx, claim, hold)
        ctx.emit(Event.ORDER_SETTLED, OrdersSettled(lines=(line,)))
        return line

    @transaction(roles=(Role.AUDITOR,))
    async def decide_claim(self, ctx: Context, decision: ClaimDecision) -> Claim:
        """Decide a claim that was denied: the owner is paid, or the hold returns."""
        order_id, owner = decision.order, decision.owner
        order = await ctx.require(order_key(order_id))
        application = await ctx.require(system_key(order.application))
        await require_platform(ctx, application.root)
        claim = await ctx.require(claim_key(order_id, owner))
        hold = await _require_hold(ctx, order_id, owner)
        if claim.denied_ms is None:
            raise ClaimNotDenied("nobody denies the claim")
        if decision.delivered:
            await _pay(ctx, claim, hold)
        else:
            await return_hold(ctx, Journal(ctx), order_id, owner, hold)
            amounts = [hold.amount_milliyuan] if hold.amount_milliyuan else []
            await make_notes(ctx, hold.payer, amounts)
        decided = replace(claim, decision=decision)
        await ctx.put(claim_key(order_id, owner), decided)
        ctx.emit(Event.CLAIM_DECIDED, decision)
        return decided

    @query
    async def get_claim(self, ctx: Context, order_id: OrderId, owner: SystemIdentifier) -> Claim:
        """Return an owner's claim for its line of an order."""
        return await ctx.require(claim_key(order_id, owner))


async def _require_hold(ctx: Context, order_id: str, owner: SystemIdentifier) -> Hold:
    hold = await ctx.get(hold_key(order_id, owner))
    if hold is None:
        raise NoHold(order_id, str(owner))
    return hold


async def _pay(ctx: Context, claim: Claim, hold: Hold) -> SettledLine:
    statement = claim.evidence.statement
    return await pay_owner(
        ctx,
        Journal(ctx),
        statement.order,
        statement.owner,
        hold,
        number=0,
        statement=Digest.of(statement.to_bytes()),
    )


def _notice(claim: Claim) -> ClaimNotice:
    statement = claim.evidence.statement
    return ClaimNotice(
        order=statement.order,
        owner=statement.owner,
        answer_until_ms=claim.answer_until_ms,
        denial=claim.denial,
    )
