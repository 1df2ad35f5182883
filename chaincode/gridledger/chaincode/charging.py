"""Fees: what registrations and resolutions owe the platform, and how it is paid.

No key is written by many: each fee is a key of its own, and what is paid comes to the platform's account as a
delta row.

Source: CN112508707B, [0066].
"""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.chaincode.journal import Journal
from gridledger.chaincode.ledger_key import delta_key, fee_key, fee_schedule_key
from gridledger.model.account_entry import EntryKind
from gridledger.model.fee import FEE_TERM_MS, Fee, FeeKey, FeeKind
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import multiply_amount
from gridledger.model.refusals import NotFound
from gridledger.model.trade import Delta, MoneyKey
from gridledger.shim import Context

__all__ = ["charge", "fee_of", "receive_fee", "take_fees"]


async def fee_of(
    ctx: Context, root: SystemIdentifier, payer: SystemIdentifier, key: FeeKey, *, count: int = 1
) -> Fee | None:
    """Return what the schedule of a root asks for; None where it asks for nothing."""
    schedule = await ctx.get(fee_schedule_key(root))
    if schedule is None or not count:
        return None
    now_ms = await ctx.now_ms()
    rate = schedule.rate_at(key.kind, now_ms)
    if not rate:
        return None
    return Fee(
        key=key,
        payer=payer,
        root=root,
        count=count,
        amount_milliyuan=multiply_amount(rate, count),
        schedule_version=schedule.version,
        incurred_ms=now_ms,
        due_ms=now_ms + FEE_TERM_MS,
    )


async def charge(
    ctx: Context,
    root: SystemIdentifier,
    payer: SystemIdentifier,
    kind: FeeKind,
    *,
    count: int = 1,
    cause: str | None = None,
) -> Fee | None:
    """Record a fee that an account owes from now on.

    Parameters
    ----------
    root : SystemIdentifier
        Below which it is charged.
    payer : SystemIdentifier
        Whose account owes it.
    kind : FeeKind
    count : int, default 1
        How many of the kind; 0 costs nothing.
    cause : str, optional
        A resolution's id; by default this transaction's.

    Returns
    -------
    Fee or None
        None where the platform charges nothing for it.

    Notes
    -----
    One read, and at most two writes. A function that charges writes no other entries of accounts.
    """
    key = FeeKey(kind=kind, cause=cause or ctx.tx_id)
    fee = await fee_of(ctx, root, payer, key, count=count)
    if fee is not None:
        await ctx.put(fee_key(payer, key), fee)
        await Journal(ctx).enter(
            payer,
            EntryKind.FEE_INCURRED,
            fee.amount_milliyuan,
            cause=key.cause,
            other=root,
            fee=kind,
        )
    return fee


async def take_fees(ctx: Context, account: SystemIdentifier, keys: Sequence[FeeKey]) -> list[Fee]:
    """Delete fees that an account owes, and return them.

    Raises
    ------
    NotFound
        One is not there: it was paid, or never was.
    """
    rows = await ctx.get_many([fee_key(account, key) for key in keys])
    fees: list[Fee] = []
    for key, row in zip(keys, rows, strict=True):
        if row is None:
            raise NotFound("fee", f"{account} {key.kind} {key.cause}")
        await ctx.delete(fee_key(account, key))
        fees.append(row)
    return fees


async def receive_fee(ctx: Context, journal: Journal, fee: Fee, number: int) -> None:
    """Bring a fee to the platform's account; its money has been taken from the payer's notes.

    Parameters
    ----------
    number : int
        Of the delta row, counted in this transaction.
    """
    amount, cause, kind = fee.amount_milliyuan, fee.key.cause, fee.key.kind
    delta = Delta(amount_milliyuan=amount, order=cause, payer=fee.payer, made_ms=await ctx.now_ms(), fee=kind)
    await ctx.put(delta_key(fee.root, MoneyKey(tx_id=ctx.call_id, number=number)), delta)
    await journal.enter(fee.payer, EntryKind.FEE_PAID, amount, cause=cause, other=fee.root, fee=kind)
    await journal.enter(fee.root, EntryKind.FEE_RECEIVED, amount, cause=cause, other=fee.payer, fee=kind)
