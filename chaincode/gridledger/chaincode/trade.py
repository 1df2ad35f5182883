"""The contract `trade`: money, orders with holds, transaction contracts, settlements.

Source: CN112508707B, [0096] to [0099].
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.ledger_key import (
    account_key,
    contract_key,
    deltas_of,
    hold_key,
    notes_of,
    order_key,
    order_mark_key,
    resolution_key,
    settlement_key,
    system_key,
)
from gridledger.chaincode.money import make_notes, spend_notes, take_deltas, take_notes
from gridledger.chaincode.permission import acting_system, require_agent, require_platform
from gridledger.chaincode.settling import settle_contracts
from gridledger.model.events import Event
from gridledger.model.exchange_refusals import AmountDiffers, Expired, HoldNotOver, NoHold
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts
from gridledger.model.notice import HoldsReturned, OrdersSettled, PaidIn, SettledLine
from gridledger.model.page import MoneyPage
from gridledger.model.paid_line import PaidLine
from gridledger.model.refusals import AccessDenied, AlreadyExists, BadArgument, Conflict, NotFound
from gridledger.model.resolution import Resolution
from gridledger.model.roles import Role
from gridledger.model.states import OrderState
from gridledger.model.system import SystemKind
from gridledger.model.trade import (
    MAX_NOTES,
    CountersignedContract,
    Hold,
    MoneyKey,
    MoneyKind,
    Order,
    OrderEntry,
    OrderId,
    OrderLine,
    OrderMark,
    OwnedMoney,
    Settlement,
)
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["Trade"]

PAGE_SIZE = 500
"""Notes or delta rows a page: some 80 KB."""

MAX_CONTRACTS = 64

PositiveAmount = Annotated[int, Field(gt=0)]


class Trade(Contract):
    """Money, orders with holds, transaction contracts, settlements."""

    name = "trade"

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,), once=True)
    async def pay_in(
        self, ctx: Context, account: SystemIdentifier, amounts_milliyuan: tuple[PositiveAmount, ...]
    ) -> PaidIn:
        """Make notes for money that an account paid in outside, one for each amount."""
        check_batch(amounts_milliyuan, limit=MAX_NOTES, what="amounts")
        opened = await ctx.require(account_key(account))
        await require_platform(ctx, opened.root)
        await make_notes(ctx, account, amounts_milliyuan)
        paid = PaidIn(account=account, amount_milliyuan=add_amounts(amounts_milliyuan))
        ctx.emit(Event.CREDIT_PAID_IN, paid)
        return paid

    @transaction(roles=(Role.DATA_APPLICATION,), once=True)
    async def place_order(self, ctx: Context, entry: OrderEntry) -> Order:
        """Order what a resolution forwards: take the price out of notes and hold it for each owner."""
        await acting_system(ctx, entry.application, SystemKind.DATA_APPLICATION)
        resolution = await ctx.require(resolution_key(entry.resolution))
        if resolution.request.application != entry.application:
            raise AccessDenied(f"the resolution is not {entry.application}'s")
        if await ctx.get(order_mark_key(entry.resolution)) is not None:
            raise AlreadyExists("order of the resolution", entry.resolution)
        now_ms = await ctx.now_ms()
        if now_ms > resolution.expires_ms:
            raise Expired("the resolution has expired")
        order = Order(
            id=ctx.tx_id,
            application=entry.application,
            resolution=entry.resolution,
            lines=_lines(resolution),
            placed_ms=now_ms,
            deadline_ms=now_ms + entry.hold_ms,
        )
        if order.amount_milliyuan != entry.amount_milliyuan:
            raise AmountDiffers(
                expected_milliyuan=entry.amount_milliyuan, actual_milliyuan=order.amount_milliyuan
            )
        await spend_notes(ctx, entry.application, entry.notes, order.amount_milliyuan)
        for line in order.lines:
            hold = Hold(
                payer=entry.application,
                amount_milliyuan=line.amount_milliyuan,
                deadline_ms=order.deadline_ms,
            )
            await ctx.put(hold_key(order.id, line.system), hold)
        await ctx.put(order_key(order.id), order)
        await ctx.put(order_mark_key(entry.resolution), OrderMark(order=order.id))
        ctx.emit(Event.ORDER_HELD, order)
        return order

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION), once=True)
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
        """Return overdue holds to the payer; the application may call it, and every organisation's agent."""
        check_batch(owners, limit=MAX_CONTRACTS, what="owners")
        if len(set(owners)) != len(owners):
            raise BadArgument({"owners": "one stands twice"})
        order = await ctx.require(order_key(order_id))
        if Role.AGENT not in ctx.roles:
            require_agent(ctx, await ctx.require(system_key(order.application)))
        now_ms = await ctx.now_ms()
        if now_ms <= order.deadline_ms:
            raise HoldNotOver(deadline_ms=order.deadline_ms, now_ms=now_ms)
        holds = await ctx.get_many([hold_key(order_id, owner) for owner in owners])
        amounts: list[int] = []
        for owner, hold in zip(owners, holds, strict=True):
            if hold is None:
                raise NoHold(order_id, str(owner))
            amounts.append(hold.amount_milliyuan)
            settlement = Settlement(
                state=OrderState.RETURNED,
                account=order.application,
                amount_milliyuan=hold.amount_milliyuan,
                settled_ms=now_ms,
                tx_id=ctx.tx_id,
            )
            await ctx.delete(hold_key(order_id, owner))
            await ctx.put(settlement_key(order_id, owner), settlement)
        total = add_amounts(amounts)
        await make_notes(ctx, order.application, [total] if total else [])
        returned = HoldsReturned(order=order_id, owners=owners, amount_milliyuan=total)
        ctx.emit(Event.HOLD_RETURNED, returned)
        return returned

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION))
    async def fold_deltas(
        self, ctx: Context, account: SystemIdentifier, deltas: tuple[MoneyKey, ...]
    ) -> OwnedMoney:
        """Make one note of delta rows that are named."""
        _check_money(deltas)
        await acting_system(ctx, account)
        total = await take_deltas(ctx, account, deltas)
        (key,) = await make_notes(ctx, account, [total])
        return OwnedMoney(kind=MoneyKind.NOTE, key=key, amount_milliyuan=total)

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION))
    async def split_note(
        self,
        ctx: Context,
        account: SystemIdentifier,
        note: MoneyKey,
        amounts_milliyuan: tuple[PositiveAmount, ...],
    ) -> tuple[OwnedMoney, ...]:
        """Make several notes of one, so that as many orders can be placed at the same time."""
        check_batch(amounts_milliyuan, limit=MAX_NOTES, what="amounts")
        await acting_system(ctx, account)
        held = await take_notes(ctx, account, (note,))
        if add_amounts(amounts_milliyuan) != held:
            raise BadArgument({"amounts_milliyuan": f"want a sum of {held}"})
        keys = await make_notes(ctx, account, amounts_milliyuan)
        return tuple(
            OwnedMoney(kind=MoneyKind.NOTE, key=key, amount_milliyuan=amount)
            for key, amount in zip(keys, amounts_milliyuan, strict=True)
        )

    @query
    async def get_order(self, ctx: Context, order_id: OrderId) -> Order:
        """Return an order."""
        return await ctx.require(order_key(order_id))

    @query
    async def get_paid_line(self, ctx: Context, order_id: OrderId, owner: SystemIdentifier) -> PaidLine:
        """Return a line of an order whose hold waits for its owner, with all that the owner checks."""
        order = await ctx.require(order_key(order_id))
        hold = await ctx.get(hold_key(order_id, owner))
        resolution = await ctx.require(resolution_key(order.resolution))
        application = await ctx.require(system_key(order.application))
        target = resolution.target(owner)
        if hold is None or target is None:
            raise NoHold(order_id, str(owner))
        return PaidLine(
            order=order, hold=hold, request=resolution.request, agent=application.agent, target=target
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

    @query
    async def list_notes(self, ctx: Context, account: SystemIdentifier, bookmark: str) -> MoneyPage:
        """Return a page of an account's notes."""
        page = await ctx.page(notes_of(account), size=PAGE_SIZE, bookmark=bookmark)
        money = [_owned(MoneyKind.NOTE, row.key.parts, row.record.amount_milliyuan) for row in page.rows]
        return MoneyPage(money=tuple(money), bookmark=page.bookmark)

    @query
    async def list_deltas(self, ctx: Context, account: SystemIdentifier, bookmark: str) -> MoneyPage:
        """Return a page of an account's delta rows."""
        page = await ctx.page(deltas_of(account), size=PAGE_SIZE, bookmark=bookmark)
        money = [_owned(MoneyKind.DELTA, row.key.parts, row.record.amount_milliyuan) for row in page.rows]
        return MoneyPage(money=tuple(money), bookmark=page.bookmark)


def _lines(resolution: Resolution) -> tuple[OrderLine, ...]:
    lines = tuple(
        OrderLine(
            system=target.system,
            fields=tuple(field.field for field in target.forwarded()),
            amount_milliyuan=target.amount_milliyuan(),
        )
        for target in resolution.targets
        if target.forwarded()
    )
    if not lines:
        raise Conflict("every field of the resolution is withheld")
    return lines


def _check_money(money: tuple[MoneyKey, ...]) -> None:
    check_batch(money, limit=MAX_NOTES, what="delta rows")
    if len(set(money)) != len(money):
        raise BadArgument({"deltas": "one stands twice"})


def _owned(kind: MoneyKind, parts: tuple[str, ...], amount_milliyuan: int) -> OwnedMoney:
    if len(parts) != 3:
        raise NotFound(kind.value, " ".join(parts))
    _, tx_id, number = parts
    return OwnedMoney(
        kind=kind, key=MoneyKey(tx_id=tx_id, number=int(number)), amount_milliyuan=amount_milliyuan
    )
