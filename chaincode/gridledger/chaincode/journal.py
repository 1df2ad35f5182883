"""Entries of accounts: what every movement of money leaves in the accounts that it concerns."""

from __future__ import annotations

from gridledger.chaincode.ledger_key import entry_key
from gridledger.model.account_entry import AccountEntry, EntryKind
from gridledger.model.fee import FeeKind
from gridledger.model.identifier import SystemIdentifier
from gridledger.shim import Context

__all__ = ["Journal"]


class Journal:
    """Writes the entries of one transaction.

    Parameters
    ----------
    ctx : Context

    Notes
    -----
    Each entry is a key of its own, by account and time: nobody waits for another, and a statement is a range.
    A transaction has one journal: its entries are numbered.
    """

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._count = 0

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
