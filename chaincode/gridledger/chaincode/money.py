"""Money on the ledger: notes are taken and made; nothing is ever added to a key that is there.

What one transaction takes it also makes, to the milli-yuan, but for `PayIn`, which makes only; what is to be
paid outside stands in its pay-out until the platform has paid it.
"""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.chaincode.ledger_key import delta_key, note_key
from gridledger.model.exchange_refusals import NotesInsufficient
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts, subtract_amount
from gridledger.model.refusals import NotFound
from gridledger.model.trade import Delta, MoneyKey, Note
from gridledger.shim import Context

__all__ = ["make_notes", "spend_notes", "take_deltas", "take_notes"]


async def make_notes(
    ctx: Context, account: SystemIdentifier, amounts_milliyuan: Sequence[int]
) -> tuple[MoneyKey, ...]:
    """Write notes of this transaction, numbered from 0; one transaction calls this once an account."""
    now_ms = await ctx.now_ms()
    keys: list[MoneyKey] = []
    for number, amount in enumerate(amounts_milliyuan):
        key = MoneyKey(tx_id=ctx.call_id, number=number)
        await ctx.put(note_key(account, key), Note(amount_milliyuan=amount, made_ms=now_ms))
        keys.append(key)
    return tuple(keys)


async def take_notes(ctx: Context, account: SystemIdentifier, notes: Sequence[MoneyKey]) -> int:
    """Delete notes and return what they held.

    Raises
    ------
    NotFound
        One is not there: it was spent, or is another account's.
    """
    found = await ctx.get_many([note_key(account, note) for note in notes])
    amounts: list[int] = []
    for note, row in zip(notes, found, strict=True):
        if row is None:
            raise NotFound("note", f"{account} {note.tx_id} {note.number}")
        amounts.append(row.amount_milliyuan)
        await ctx.delete(note_key(account, note))
    return add_amounts(amounts)


async def spend_notes(
    ctx: Context, account: SystemIdentifier, notes: Sequence[MoneyKey], amount_milliyuan: int
) -> None:
    """Take an amount out of notes; what is left becomes one new note, the transaction's number 0.

    Raises
    ------
    NotFound
        A note is not there.
    NotesInsufficient
        They hold less than the amount.
    """
    given = await take_notes(ctx, account, notes)
    if given < amount_milliyuan:
        raise NotesInsufficient(given_milliyuan=given, wanted_milliyuan=amount_milliyuan)
    change = subtract_amount(given, amount_milliyuan)
    await make_notes(ctx, account, [change] if change else [])


async def take_deltas(ctx: Context, account: SystemIdentifier, deltas: Sequence[MoneyKey]) -> int:
    """Delete delta rows by name and return what they held; raises NotFound if one is not there."""
    found: list[Delta | None] = await ctx.get_many([delta_key(account, delta) for delta in deltas])
    amounts: list[int] = []
    for delta, row in zip(deltas, found, strict=True):
        if row is None:
            raise NotFound("delta row", f"{account} {delta.tx_id} {delta.number}")
        amounts.append(row.amount_milliyuan)
        await ctx.delete(delta_key(account, delta))
    return add_amounts(amounts)
