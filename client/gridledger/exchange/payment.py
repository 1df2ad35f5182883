"""Payments of an account beside its orders: fees."""

from __future__ import annotations

from gridledger.exchange.ledger import ExchangeLedger
from gridledger.exchange.purse import Purse
from gridledger.exchange.statement import fees_owed
from gridledger.model.fee import MAX_FEES, Fee
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.money import add_amounts
from gridledger.model.notice import FeesPaid

__all__ = ["pay_fees"]


async def pay_fees(
    ledger: ExchangeLedger, account: SystemIdentifier, *, call_key: str | None = None
) -> FeesPaid | None:
    """Pay the fees that an account owes, up to 256, out of its notes.

    Returns
    -------
    FeesPaid or None
        None where it owes nothing.

    Raises
    ------
    NotesInsufficient
        The notes do not cover them.
    FeeNotOverdue, NotTheAgent, AccessDenied
        Only the account's agent pays fees early; the platform collects what is overdue.
    """
    owed: list[Fee] = []
    async for fee in fees_owed(ledger, account):
        owed.append(fee)
        if len(owed) == MAX_FEES:
            break
    if not owed:
        return None
    notes = await Purse(ledger, account).take(add_amounts(fee.amount_milliyuan for fee in owed))
    return await ledger.pay_fees(account, [fee.key for fee in owed], notes, call_key=call_key)
