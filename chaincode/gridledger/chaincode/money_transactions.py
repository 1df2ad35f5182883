"""The functions of `trade` for money: what comes in, notes and delta rows, entries of accounts.

Source: CN112508707B, [0066].
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gridledger.chaincode.batch import check_batch
from gridledger.chaincode.journal import Journal
from gridledger.chaincode.ledger_key import (
    account_key,
    deltas_of,
    entries_of,
    notes_of,
)
from gridledger.chaincode.money import make_notes, take_deltas, take_notes
from gridledger.chaincode.permission import acting_system, require_platform
from gridledger.model.account_entry import EntryKind, EntryPage, entry_time
from gridledger.model.events import Event
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts
from gridledger.model.notice import PaidIn
from gridledger.model.page import MoneyPage
from gridledger.model.refusals import BadArgument, NotFound
from gridledger.model.roles import Role
from gridledger.model.trade import MAX_NOTES, MoneyKey, MoneyKind, OwnedMoney
from gridledger.shim import Context, Contract, query, transaction

__all__ = ["MoneyTransactions"]

PAGE_SIZE = 500
"""Notes, delta rows or entries a page: some 80 to 200 KB."""

PositiveAmount = Annotated[int, Field(gt=0)]
TimeMs = Annotated[int, Field(ge=0)]


class MoneyTransactions(Contract):
    """Money of accounts."""

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
        await Journal(ctx).enter(account, EntryKind.PAID_IN, paid.amount_milliyuan, cause=ctx.tx_id)
        ctx.emit(Event.CREDIT_PAID_IN, paid)
        return paid

    @transaction(
        roles=(
            Role.BUSINESS_SYSTEM,
            Role.DATA_APPLICATION,
            Role.AGGREGATION_SYSTEM,
            Role.PLATFORM_ADMINISTRATOR,
        )
    )
    async def fold_deltas(
        self, ctx: Context, account: SystemIdentifier, deltas: tuple[MoneyKey, ...]
    ) -> OwnedMoney:
        """Make one note of delta rows that are named.

        The platform may do it for accounts below its root: overdue fees are collected from notes, and who
        never folds would never pay. The money stays where it is.
        """
        check_batch(deltas, limit=MAX_NOTES, what="delta rows")
        if len(set(deltas)) != len(deltas):
            raise BadArgument({"deltas": "one stands twice"})
        if Role.PLATFORM_ADMINISTRATOR in ctx.roles:
            await require_platform(ctx, (await ctx.require(account_key(account))).root)
        else:
            await acting_system(ctx, account)
        total = await take_deltas(ctx, account, deltas)
        (key,) = await make_notes(ctx, account, [total])
        return OwnedMoney(kind=MoneyKind.NOTE, key=key, amount_milliyuan=total)

    @transaction(roles=(Role.BUSINESS_SYSTEM, Role.DATA_APPLICATION, Role.AGGREGATION_SYSTEM))
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

    @query
    async def list_entries(
        self, ctx: Context, account: SystemIdentifier, from_ms: TimeMs, until_ms: TimeMs, bookmark: str
    ) -> EntryPage:
        """Return a page of an account's entries from one time (in) to another (out), the oldest first."""
        start = bookmark or entries_of(account, entry_time(from_ms)).to_text()
        page = await ctx.page(entries_of(account), size=PAGE_SIZE, bookmark=start)
        entries = tuple(row.record for row in page.rows if row.record.made_ms < until_ms)
        over = len(entries) < len(page.rows)
        return EntryPage(entries=entries, bookmark="" if over else page.bookmark)


def _owned(kind: MoneyKind, parts: tuple[str, ...], amount_milliyuan: int) -> OwnedMoney:
    if len(parts) != 3:
        raise NotFound(kind.value, " ".join(parts))
    _, tx_id, number = parts
    return OwnedMoney(
        kind=kind, key=MoneyKey(tx_id=tx_id, number=int(number)), amount_milliyuan=amount_milliyuan
    )
