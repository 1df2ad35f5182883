"""Entries of accounts: what every movement of money leaves in the accounts that it concerns."""

from __future__ import annotations

from typing import Final

from gridledger.chaincode.ledger_key import entry_key
from gridledger.model.account_entry import AccountEntry, EntryKind
from gridledger.model.fee import FeeKind
from gridledger.model.identifier import SystemIdentifier
from gridledger.shim import Context

__all__ = ["Journal"]

_SHARE: Final = 150
"""Numbers of a call in a bundle: 64 calls have less than 10,000, and 64 contracts write 128 entries."""


class Journal:
    """Writes the entries of one transaction.

    Parameters
    ----------
    ctx : Context

    Notes
    -----
    Each entry is a key of its own, by account and time: nobody waits for another, and a statement is a range.
    A call has one journal: its entries are numbered within their transaction.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._count = ctx.place * _SHARE

    async def enter(
        self,
        account: SystemIdentifier,
        kind: EntryKind,
        amount_milliyuan: int,
        *,
        cause: str,
        other: SystemIdentifier | None = None,
        fee: FeeKind | None = None,
    ) -> None:
        """Write an entry; see `AccountEntry` for the parameters."""
        entry = AccountEntry(
            account=account,
            kind=kind,
            amount_milliyuan=amount_milliyuan,
            other=other,
            cause=cause,
            fee=fee,
            tx_id=self._ctx.tx_id,
            made_ms=await self._ctx.now_ms(),
        )
        await self._ctx.put(entry_key(entry, self._count), entry)
        self._count += 1
