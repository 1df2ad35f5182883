"""Placing orders: the price and the fee leave the payer's notes, a hold waits for each owner.

Source: CN112508707B, [0096].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridledger.chaincode.charging import receive_fee
from gridledger.chaincode.journal import Journal
from gridledger.chaincode.ledger_key import hold_key, order_key, order_mark_key
from gridledger.chaincode.money import spend_notes
from gridledger.model.account_entry import EntryKind
from gridledger.model.fee import Fee
from gridledger.model.money import add_amounts
from gridledger.model.resolution import Resolution
from gridledger.model.trade import Hold, MoneyKey, Order, OrderLine, OrderMark
from gridledger.shim import Context

__all__ = ["OrderDraft", "order_lines", "place"]


@dataclass(frozen=True, kw_only=True)
class OrderDraft:
    """What is ordered, before it is paid."""

    resolution: Resolution
    lines: tuple[OrderLine, ...]
    fee: Fee | None
    """Of the resolution or the query under agreements, where it is still owed."""
    hold_ms: int

    @property
    def total_milliyuan(self) -> int:
        """What the notes must cover."""
        lines = add_amounts(line.amount_milliyuan for line in self.lines)
        return lines if self.fee is None else add_amounts((lines, self.fee.amount_milliyuan))


def order_lines(resolution: Resolution) -> tuple[OrderLine, ...]:
    """Return what a resolution forwards, a line for each owner; none if every field is withheld."""
    return tuple(
        OrderLine(
            system=target.system,
            fields=tuple(field.field for field in target.forwarded()),
            amount_milliyuan=target.amount_milliyuan(),
        )
        for target in resolution.targets
        if target.forwarded()
    )


async def place(ctx: Context, draft: OrderDraft, notes: Sequence[MoneyKey]) -> Order:
    """Take the total out of notes, pay the fee, and write holds, order and mark.

    Raises
    ------
    NotFound, NotesInsufficient
        A note is not there, or they hold too little.
    """
    payer = draft.resolution.request.application
    now_ms = await ctx.now_ms()
    order = Order(
        id=ctx.call_id,
        application=payer,
        resolution=draft.resolution.id,
        lines=draft.lines,
        placed_ms=now_ms,
        deadline_ms=now_ms + draft.hold_ms,
        fee_milliyuan=None if draft.fee is None else draft.fee.amount_milliyuan,
    )
    await spend_notes(ctx, payer, notes, draft.total_milliyuan)
    journal = Journal(ctx)
    if draft.fee is not None:
        await receive_fee(ctx, journal, draft.fee, 0)
    for line in order.lines:
        amount = line.amount_milliyuan
        hold = Hold(payer=payer, amount_milliyuan=amount, deadline_ms=order.deadline_ms)
        await ctx.put(hold_key(order.id, line.system), hold)
        await journal.enter(payer, EntryKind.HELD, amount, cause=order.id, other=line.system)
    await ctx.put(order_key(order.id), order)
    await ctx.put(order_mark_key(order.resolution), OrderMark(order=order.id))
    return order
