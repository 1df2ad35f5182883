"""The functions of `trade` for pay-outs: money leaves the ledger only by the platform's word.

Source: CN112508707B, [0066].
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from gridledger.chaincode.journal import Journal
from gridledger.chaincode.ledger_key import account_key, pay_out_key, pay_outs_of, system_key
from gridledger.chaincode.money import make_notes, spend_notes
from gridledger.chaincode.permission import require_agent, require_platform
from gridledger.model.account_entry import EntryKind
from gridledger.model.digest import Digest
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.pay_out import PayOut, PayOutEntry, PayOutPage, PayOutState
from gridledger.model.refusals import Conflict
from gridledger.model.roles import Role
from gridledger.model.system import ShortText
from gridledger.model.trade import OrderId
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["PayOutTransactions"]

PAGE_SIZE: Final = 500
"""Pay-outs a page: some 150 KB."""


class PayOutTransactions(Contract):
    """Pay-outs."""

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION, Role.AGGREGATION_SYSTEM), once=True)
    async def ask_pay_out(self, ctx: Context, entry: PayOutEntry) -> PayOut:
        """Set money of an account aside, to be paid outside; a system that is suspended may, too."""
        require_agent(ctx, await ctx.require(system_key(entry.account)), winding_up=True)
        await spend_notes(ctx, entry.account, entry.notes, entry.amount_milliyuan)
        asked = PayOut(
            id=ctx.call_id,
            account=entry.account,
            amount_milliyuan=entry.amount_milliyuan,
            state=PayOutState.ASKED,
            asked_ms=await ctx.now_ms(),
        )
        await ctx.put(pay_out_key(entry.account, asked.id), asked)
        await Journal(ctx).enter(
            entry.account, EntryKind.PAY_OUT_ASKED, entry.amount_milliyuan, cause=asked.id
        )
        ctx.emit(Event.PAY_OUT_ASKED, asked)
        return asked

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def confirm_pay_out(
        self, ctx: Context, account: SystemIdentifier, pay_out: OrderId, evidence: Digest
    ) -> PayOut:
        """Say that a pay-out was paid outside: its money is no more on the ledger."""
        asked = await self._asked(ctx, account, pay_out)
        paid = replace(asked, state=PayOutState.PAID, decided_ms=await ctx.now_ms(), evidence=evidence)
        return await self._decide(ctx, paid, EntryKind.PAID_OUT)

    @transaction(roles=(Role.PLATFORM_ADMINISTRATOR,))
    async def refuse_pay_out(
        self, ctx: Context, account: SystemIdentifier, pay_out: OrderId, reason: ShortText
    ) -> PayOut:
        """Refuse a pay-out: its money is a note of the account again."""
        asked = await self._asked(ctx, account, pay_out)
        await make_notes(ctx, account, [asked.amount_milliyuan])
        refused = replace(asked, state=PayOutState.REFUSED, decided_ms=await ctx.now_ms(), reason=reason)
        return await self._decide(ctx, refused, EntryKind.PAY_OUT_REFUSED)

    @query
    async def list_pay_outs(self, ctx: Context, account: SystemIdentifier, bookmark: str) -> PayOutPage:
        """Return a page of an account's pay-outs."""
        page = await ctx.page(pay_outs_of(account), size=PAGE_SIZE, bookmark=bookmark)
        return PayOutPage(pay_outs=tuple(row.record for row in page.rows), bookmark=page.bookmark)

    async def _asked(self, ctx: Context, account: SystemIdentifier, pay_out: str) -> PayOut:
        """Return a pay-out that waits for its decision, if the caller may decide it."""
        await require_platform(ctx, (await ctx.require(account_key(account))).root)
        asked = await ctx.require(pay_out_key(account, pay_out))
        if asked.state is not PayOutState.ASKED:
            raise Conflict(f"the pay-out is {asked.state.value}")
        return asked

    async def _decide(self, ctx: Context, decided: PayOut, kind: EntryKind) -> PayOut:
        await ctx.put(pay_out_key(decided.account, decided.id), decided)
        await Journal(ctx).enter(decided.account, kind, decided.amount_milliyuan, cause=decided.id)
        ctx.emit(Event.PAY_OUT_DECIDED, decided)
        return decided
