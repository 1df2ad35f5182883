"""Entries of accounts: every movement of money, one key each, so that a statement is a range of one account.

An account's money is available (notes and delta rows) or held (holds of its orders, pay-outs that it asked
for). Each kind of entry says what it does to both.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.fee import FeeKind
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value

__all__ = ["AccountEntry", "EntryKind", "EntryPage", "entry_time"]


class EntryKind(StrEnum):
    """What happened to money of an account."""

    PAID_IN = "paid-in"
    """It came from outside."""

    HELD = "held"
    """It was set aside for an order."""

    PAID = "paid"
    """What was held went to the owner."""

    RETURNED = "returned"
    """What was held came back."""

    RECEIVED = "received"
    """An order's payment came in."""

    FEE_INCURRED = "fee-incurred"
    """A fee is owed; no money has moved."""

    FEE_PAID = "fee-paid"
    """A fee went to the platform."""

    FEE_RECEIVED = "fee-received"
    """A fee came in."""

    PAY_OUT_ASKED = "pay-out-asked"
    """It was set aside to be paid outside."""

    PAID_OUT = "paid-out"
    """What was set aside went outside."""

    PAY_OUT_REFUSED = "pay-out-refused"
    """What was set aside came back."""

    @property
    def available_sign(self) -> int:
        """What it does to the available money: 1, 0 or -1."""
        return _AVAILABLE.get(self, 0)

    @property
    def held_sign(self) -> int:
        """What it does to the money that is held."""
        return _HELD.get(self, 0)


_AVAILABLE = {
    EntryKind.PAID_IN: 1,
    EntryKind.HELD: -1,
    EntryKind.RETURNED: 1,
    EntryKind.RECEIVED: 1,
    EntryKind.FEE_PAID: -1,
    EntryKind.FEE_RECEIVED: 1,
    EntryKind.PAY_OUT_ASKED: -1,
    EntryKind.PAY_OUT_REFUSED: 1,
}
_HELD = {
    EntryKind.HELD: 1,
    EntryKind.PAID: -1,
    EntryKind.RETURNED: -1,
    EntryKind.PAY_OUT_ASKED: 1,
    EntryKind.PAID_OUT: -1,
    EntryKind.PAY_OUT_REFUSED: -1,
}


@record("account-entry/1")
class AccountEntry(Record):
    """One movement of an account's money."""

    account: SystemIdentifier
    kind: EntryKind
    amount_milliyuan: Annotated[int, Field(ge=0)]
    other: SystemIdentifier | None = None
    """The other party; none where money comes from outside."""
    cause: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """The order or pay-out; for a fee the resolution or registration; else the transaction."""
    fee: FeeKind | None = None
    tx_id: str
    made_ms: int


@value
class EntryPage(ModelValue):
    """Entries of an account, in the order of their times."""

    entries: tuple[AccountEntry, ...]
    bookmark: str


def entry_time(time_ms: int) -> str:
    """Write a time as it stands in keys, so that keys stand in the order of their times.

    Examples
    --------
    >>> entry_time(1_700_000_000_000)
    '0001700000000000'
    """
    return f"{time_ms:016}"
