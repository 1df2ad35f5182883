"""The functions of `trade` for the platform's fees.

Source: CN112508707B, [0066].
"""

from __future__ import annotations

from dataclasses import replace

from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.charging import receive_fee, take_fees
from gridledger.chaincode.journal import Journal
from gridledger.chaincode.ledger_key import account_key, fee_schedule_key, fees_of
from gridledger.chaincode.money import spend_notes
from gridledger.chaincode.permission import acting_system, require_platform
from gridledger.model.events import Event
from gridledger.model.fee import FEE_NOTICE_MS, MAX_FEES, FeeKey, FeeRate, FeeSchedule
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts
from gridledger.model.notice import FeesPaid
from gridledger.model.page import FeePage
from gridledger.model.refusals import BadArgument
from gridledger.model.roles import Role
from gridledger.model.trade import MAX_NOTES, MoneyKey
from gridledger.model.trade_refusals import FeeNotOverdue
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["FeeTransactions"]

PAGE_SIZE = 200
"""Fees a page: some 80 KB."""


class FeeTransactions(Contract):
    """Fees of the platform."""

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def set_fees(self, ctx: Context, root: SystemIdentifier, rates: tuple[FeeRate, ...]) -> FeeSchedule:
        """Set the fees below a root; they count from the next registration or resolution on.

        A rise counts after seven days, so that nobody owes what it could not know of when it called. What a
        root sets first counts at once.
        """
        await require_platform(ctx, root)
        earlier = await ctx.get(fee_schedule_key(root))
        now_ms = await ctx.now_ms()
        schedule = FeeSchedule(
            root=root,
            version=1 if earlier is None else earlier.version + 1,
            rates=rates,
            set_ms=now_ms,
        )
        if earlier is not None:
            present = earlier.rates_at(now_ms)
            if any(rate.amount_milliyuan > earlier.rate_at(rate.kind, now_ms) for rate in rates):
                schedule = replace(schedule, earlier=present, rises_ms=now_ms + FEE_NOTICE_MS)
        await ctx.put(fee_schedule_key(root), schedule)
        ctx.emit(Event.FEES_SET, schedule)
        return schedule

    @transaction(
        roles=(
            Role.BUSINESS_SYSTEM,
            Role.DATA_APPLICATION,
            Role.PLATFORM_ADMINISTRATOR,
        ),
        once=True,
    )
    async def pay_fees(
        self,
        ctx: Context,
        account: SystemIdentifier,
        fees: tuple[FeeKey, ...],
        notes: tuple[MoneyKey, ...],
    ) -> FeesPaid:
        """Pay fees out of an account's notes; the platform itself may do it once they are overdue."""
        check_batch(fees, limit=MAX_FEES, what="fees")
        check_batch(notes, limit=MAX_NOTES, what="notes")
        if len(set(fees)) != len(fees) or len(set(notes)) != len(notes):
            raise BadArgument({"": "a fee or note stands twice"})
        collected = Role.PLATFORM_ADMINISTRATOR in ctx.roles
        if collected:
            await require_platform(ctx, (await ctx.require(account_key(account))).root)
        else:
            await acting_system(ctx, account)
        found = await take_fees(ctx, account, fees)
        now_ms = await ctx.now_ms()
        for fee in found:
            if collected and now_ms <= fee.due_ms:
                raise FeeNotOverdue(due_ms=fee.due_ms, now_ms=now_ms)
        total = add_amounts(fee.amount_milliyuan for fee in found)
        await spend_notes(ctx, account, notes, total)
        journal = Journal(ctx)
        for number, fee in enumerate(found):
            await receive_fee(ctx, journal, fee, number)
        paid = FeesPaid(account=account, fees=fees, amount_milliyuan=total)
        ctx.emit(Event.FEES_PAID, paid)
        return paid

    @query
    async def get_fees(self, ctx: Context, root: SystemIdentifier) -> FeeSchedule:
        """Return the fees below a root."""
        return await ctx.require(fee_schedule_key(root))

    @query
    async def list_fees(self, ctx: Context, account: SystemIdentifier, bookmark: str) -> FeePage:
        """Return a page of the fees that an account owes."""
        page = await ctx.page(fees_of(account), size=PAGE_SIZE, bookmark=bookmark)
        return FeePage(fees=tuple(row.record for row in page.rows), bookmark=page.bookmark)
