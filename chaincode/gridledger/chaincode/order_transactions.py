"""The functions of `trade` for orders with holds, transaction contracts and settlements.

Source: CN112508707B, [0096] to [0099].
"""

from __future__ import annotations

from gridledger.chaincode.agreeing import take_agreements
from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.charging import fee_of
from gridledger.chaincode.decision import decide, keys_of_request
from gridledger.chaincode.journal import Journal
from gridledger.chaincode.ledger_key import (
    agreement_key,
    agreement_use_key,
    claim_key,
    contract_key,
    fee_key,
    hold_key,
    note_key,
    order_key,
    order_mark_key,
    resolution_key,
    settlement_key,
    system_key,
    verdict_key,
)
from gridledger.chaincode.money import make_notes
from gridledger.chaincode.ordering import OrderDraft, order_lines, place
from gridledger.chaincode.permission import acting_system, require_agent
from gridledger.chaincode.resolving import actual_roots, make_resolution
from gridledger.chaincode.settling import return_hold, settle_contracts
from gridledger.model.agreement import AgreedOrder, AgreedOrderEntry, UsedAgreement
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import AmountDiffers, Expired, HoldNotOver, NoHold
from gridledger.model.fee import FeeKey, FeeKind
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts
from gridledger.model.notice import HoldsReturned, OrdersSettled, SettledLine
from gridledger.model.paid_line import PaidLine
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, Conflict
from gridledger.model.roles import Role
from gridledger.model.system import SystemKind
from gridledger.model.trade import CountersignedContract, Order, OrderEntry, OrderId, Settlement
from gridledger.model.trade_refusals import HoldClaimed
from gridledger.shim import Context, Contract, query, transaction
from gridledger.shim.context import TIME_MARK

__all__ = ["OrderTransactions"]

MAX_CONTRACTS = 64


class OrderTransactions(Contract):
    """Orders with holds, transaction contracts, settlements."""

    @transaction(roles=(Role.DATA_APPLICATION,), once=True, bundled=True)
    async def place_order(self, ctx: Context, entry: OrderEntry) -> Order:
        """Order what a resolution forwards: take the price out of notes and hold it for each owner."""
        await ctx.read_ahead(
            [
                TIME_MARK,
                system_key(entry.application),
                resolution_key(entry.resolution),
                order_mark_key(entry.resolution),
                *(note_key(entry.application, note) for note in entry.notes),
            ]
        )
        application = await acting_system(ctx, entry.application, SystemKind.DATA_APPLICATION)
        resolution = await ctx.require(resolution_key(entry.resolution))
        if resolution.request.application != entry.application:
            raise AccessDenied(f"the resolution is not {entry.application}'s")
        if await ctx.get(order_mark_key(entry.resolution)) is not None:
            raise AlreadyExists("order of the resolution", entry.resolution)
        now_ms = await ctx.now_ms()
        if now_ms > resolution.expires_ms:
            raise Expired("the resolution has expired")
        lines = order_lines(resolution)
        if not lines:
            raise Conflict("every field of the resolution is withheld")
        key = fee_key(application.identifier, FeeKey(kind=FeeKind.RESOLUTION, cause=resolution.id))
        fee = await ctx.get(key) if resolution.fee_milliyuan is not None else None
        if fee is not None:
            await ctx.delete(key)
        draft = OrderDraft(resolution=resolution, lines=lines, fee=fee, hold_ms=entry.hold_ms)
        if draft.total_milliyuan != entry.amount_milliyuan:
            raise AmountDiffers(
                expected_milliyuan=entry.amount_milliyuan, actual_milliyuan=draft.total_milliyuan
            )
        order = await place(ctx, draft, entry.notes)
        ctx.emit(Event.ORDER_HELD, order)
        return order

    @transaction(roles=(Role.DATA_APPLICATION,), once=True, bundled=True)
    async def place_agreed_order(self, ctx: Context, entry: AgreedOrderEntry) -> AgreedOrder:
        """Order under agreements: decide, compare the roots and hold the agreed prices in one transaction.

        Rights are decided as for every resolution; altered fields are withheld and cost nothing. Where
        nothing is left there is no order, and the verdict is deposited all the same.
        """
        signed = entry.signed
        request = signed.request
        await ctx.read_ahead(
            [
                resolution_key(request.id),
                *keys_of_request(request),
                *(agreement_key(use.agreement) for use in entry.uses),
                *(agreement_use_key(use) for use in entry.uses),
            ]
        )
        if await ctx.get(resolution_key(request.id)) is not None:
            raise AlreadyExists("resolution", request.id)
        await acting_system(ctx, request.application, SystemKind.DATA_APPLICATION)
        decision = await decide(ctx, signed)
        agreements = await take_agreements(ctx, request, decision, entry.uses)
        actual = actual_roots(request.id, decision, entry.answers)
        resolution, verdict = await make_resolution(ctx, signed, decision, actual, agreements)
        await ctx.put(resolution_key(resolution.id), resolution)
        await ctx.put(verdict_key(resolution.id), verdict)
        lines = order_lines(resolution)
        if not lines:
            ctx.emit(Event.VERDICT_DEPOSITED, resolution)
            return AgreedOrder(resolution=resolution)
        key = FeeKey(kind=FeeKind.AGREED_QUERY, cause=resolution.id)
        fee = await fee_of(ctx, decision.root, request.application, key)
        draft = OrderDraft(resolution=resolution, lines=lines, fee=fee, hold_ms=entry.hold_ms)
        if draft.total_milliyuan > entry.most_milliyuan:
            raise AmountDiffers(
                expected_milliyuan=entry.most_milliyuan, actual_milliyuan=draft.total_milliyuan
            )
        order = await place(ctx, draft, entry.notes)
        ordered = {agreements[line.system].id for line in lines}
        for use in entry.uses:
            if use.agreement in ordered:
                await ctx.put(agreement_use_key(use), UsedAgreement(order=order.id))
        ctx.emit(Event.AGREED_ORDER_HELD, order)
        return AgreedOrder(resolution=resolution, order=order)

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION), once=True, bundled=True)
    async def deposit_contracts(
        self, ctx: Context, contracts: tuple[CountersignedContract, ...]
    ) -> tuple[SettledLine, ...]:
        """Deposit transaction contracts that both parties signed, and settle their holds."""
        check_batch(contracts, limit=MAX_CONTRACTS, what="contracts")
        lines = await settle_contracts(ctx, contracts)
        ctx.emit(Event.ORDER_SETTLED, OrdersSettled(lines=lines))
        return lines

    @transaction(roles=(Role.DATA_APPLICATION, Role.AGENT))
    async def return_holds(
        self, ctx: Context, order_id: OrderId, owners: tuple[SystemIdentifier, ...]
    ) -> HoldsReturned:
        """Return overdue holds to the payer; the application may call it, and every organisation's agent.

        A hold that its owner claims returns only where the claim was denied and no auditor decided it in
        time: who claims has to show it.
        """
        check_batch(owners, limit=MAX_CONTRACTS, what="owners")
        if len(set(owners)) != len(owners):
            raise BadArgument({"owners": "one stands twice"})
        order = await ctx.require(order_key(order_id))
        if Role.AGENT not in ctx.roles:
            require_agent(ctx, await ctx.require(system_key(order.application)), winding_up=True)
        now_ms = await ctx.now_ms()
        if now_ms <= order.deadline_ms:
            raise HoldNotOver(deadline_ms=order.deadline_ms, now_ms=now_ms)
        holds = await ctx.get_many([hold_key(order_id, owner) for owner in owners])
        claims = await ctx.get_many([claim_key(order_id, owner) for owner in owners])
        journal = Journal(ctx)
        amounts: list[int] = []
        for owner, hold, claim in zip(owners, holds, claims, strict=True):
            if hold is None:
                raise NoHold(order_id, str(owner))
            if claim is not None and not claim.lapsed(now_ms):
                raise HoldClaimed(order_id, str(owner))
            await return_hold(ctx, journal, order_id, owner, hold)
            amounts.append(hold.amount_milliyuan)
        total = add_amounts(amounts)
        await make_notes(ctx, order.application, [total] if total else [])
        returned = HoldsReturned(order=order_id, owners=owners, amount_milliyuan=total)
        ctx.emit(Event.HOLD_RETURNED, returned)
        return returned

    @query
    async def get_order(self, ctx: Context, order_id: OrderId) -> Order:
        """Return an order."""
        return await ctx.require(order_key(order_id))

    @query(bundled=True)
    async def get_paid_line(self, ctx: Context, order_id: OrderId, owner: SystemIdentifier) -> PaidLine:
        """Return a line of an order whose hold waits for its owner, with all that the owner checks."""
        await ctx.read_ahead([order_key(order_id), hold_key(order_id, owner)])
        order = await ctx.require(order_key(order_id))
        hold = await ctx.get(hold_key(order_id, owner))
        await ctx.read_ahead([resolution_key(order.resolution), system_key(order.application)])
        resolution = await ctx.require(resolution_key(order.resolution))
        application = await ctx.require(system_key(order.application))
        target = resolution.target(owner)
        if hold is None or target is None:
            raise NoHold(order_id, str(owner))
        return PaidLine(
            order=order,
            hold=hold,
            request=resolution.request,
            agent=application.agent,
            target=target,
            signature=resolution.signature,
        )

    @query
    async def get_contract(
        self, ctx: Context, order_id: OrderId, owner: SystemIdentifier
    ) -> CountersignedContract:
        """Return the transaction contract of a line of an order."""
        return await ctx.require(contract_key(order_id, owner))

    @query
    async def get_settlement(self, ctx: Context, order_id: OrderId, owner: SystemIdentifier) -> Settlement:
        """Return what became of a line of an order; NotFound while its hold stands."""
        return await ctx.require(settlement_key(order_id, owner))
