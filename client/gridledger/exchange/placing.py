"""Placing an order: notes are taken from the purse, and whatever happens the purse learns of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from gridledger.exchange.purse import Purse
from gridledger.model.errors import ContractError
from gridledger.model.keys import KeyPrefix
from gridledger.model.refusals import NotFound
from gridledger.model.trade import MoneyKey, Order

__all__ = ["pay"]

T = TypeVar("T")

_ATTEMPTS: Final = 4
"""Notes that another process spent are found gone one order after another; more often is no accident."""


async def pay(
    purse: Purse,
    amount_milliyuan: int,
    transact: Callable[[tuple[MoneyKey, ...]], Awaitable[T]],
    spent: Callable[[T], Order | None],
) -> T:
    """Take notes, call what spends them, and tell the purse.

    Parameters
    ----------
    purse : Purse
    amount_milliyuan : int
        What the notes must cover.
    transact : callable
        Submits the transaction with the notes.
    spent : callable
        The order of the result; none if nothing was spent.

    Raises
    ------
    NotesInsufficient
        The notes do not cover the amount.
    ContractError, GatewayError
        What `transact` raises. A refusal leaves the notes as they were; after anything else the ledger is
        asked before they are used again.
    """
    attempts = 0
    while True:
        notes = await purse.take(amount_milliyuan)
        try:
            result = await transact(notes)
        except ContractError as error:
            attempts += 1
            if not _note_is_gone(error):
                await purse.give_back(notes)
                raise
            await purse.forget(notes)
            if attempts == _ATTEMPTS:
                raise
        except BaseException:
            await purse.forget(notes)
            raise
        else:
            order = spent(result)
            if order is None:
                await purse.give_back(notes)
            else:
                await purse.spend(notes, order.id, order.amount_milliyuan + (order.fee_milliyuan or 0))
            return result


def _note_is_gone(error: ContractError) -> bool:
    return isinstance(error, NotFound) and error.kind == KeyPrefix.NOTE
