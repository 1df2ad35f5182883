"""Statements: what came into an account and what left it, between opening and closing balances."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from gridledger.exchange.ledger import ExchangeLedger
from gridledger.model.account_entry import AccountEntry
from gridledger.model.fee import Fee
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, value

__all__ = ["Balance", "Statement", "entries_between", "fees_owed", "make_statement"]

LAST_MS: Final = 2**52
"""After every entry that there can be."""


@value
class Balance(ModelValue):
    """Money of an account at a moment."""

    available_milliyuan: int
    """Notes and delta rows."""
    held_milliyuan: int
    """Holds of its orders."""

    def after(self, entry: AccountEntry) -> Balance:
        """Return what an entry makes of it."""
        amount = entry.amount_milliyuan
        return Balance(
            available_milliyuan=self.available_milliyuan + amount * entry.kind.available_sign,
            held_milliyuan=self.held_milliyuan + amount * entry.kind.held_sign,
        )


@value
class Statement(ModelValue):
    """The entries of an account between two times."""

    account: SystemIdentifier
    from_ms: int
    until_ms: int
    opening: Balance
    entries: tuple[AccountEntry, ...]
    closing: Balance
    owed: tuple[Fee, ...]
    """Fees that are not paid yet, as of now."""


async def make_statement(
    ledger: ExchangeLedger, account: SystemIdentifier, *, from_ms: int = 0, until_ms: int = LAST_MS
) -> Statement:
    """Make the statement of an account.

    Parameters
    ----------
    ledger : ExchangeLedger
    account : SystemIdentifier
    from_ms, until_ms : int
        From the first (in) to the last (out) moment, milliseconds since 1970; everything by default.

    Notes
    -----
    Reads the account's entries up to the last moment, in pages of 500, and the fees that it owes: nothing of
    another account. The opening balance is what the entries before it add up to.
    """
    balance = Balance(available_milliyuan=0, held_milliyuan=0)
    async for entry in entries_between(ledger, account, 0, from_ms):
        balance = balance.after(entry)
    opening = balance
    entries: list[AccountEntry] = []
    async for entry in entries_between(ledger, account, from_ms, until_ms):
        balance = balance.after(entry)
        entries.append(entry)
    return Statement(
        account=account,
        from_ms=from_ms,
        until_ms=until_ms,
        opening=opening,
        entries=tuple(entries),
        closing=balance,
        owed=tuple([fee async for fee in fees_owed(ledger, account)]),
    )


async def entries_between(
    ledger: ExchangeLedger, account: SystemIdentifier, from_ms: int, until_ms: int
) -> AsyncIterator[AccountEntry]:
    """Give the entries of an account, the oldest first."""
    bookmark = ""
    while from_ms < until_ms:
        page = await ledger.entries(account, from_ms, until_ms, bookmark)
        for entry in page.entries:
            yield entry
        bookmark = page.bookmark
        if not bookmark:
            return


async def fees_owed(ledger: ExchangeLedger, account: SystemIdentifier) -> AsyncIterator[Fee]:
    """Give the fees that an account owes."""
    bookmark = ""
    while True:
        page = await ledger.fees(account, bookmark)
        for fee in page.fees:
            yield fee
        bookmark = page.bookmark
        if not bookmark:
            return
