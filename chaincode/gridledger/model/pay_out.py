"""Pay-outs: money that an account wants outside, and what the platform did about it.

Source: CN112508707B, [0066].
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from gridledger.model.digest import Digest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.system import ShortText
from gridledger.model.trade import MoneyKey, OrderId, check_notes

__all__ = ["PayOut", "PayOutEntry", "PayOutPage", "PayOutState"]

PositiveAmount = Annotated[int, Field(gt=0)]


class PayOutState(StrEnum):
    """A pay-out is asked for; then it is paid outside, or refused and the money is back."""

    ASKED = "asked"
    PAID = "paid"
    REFUSED = "refused"


@value
class PayOutEntry(ModelValue):
    """What an account wants paid outside, and the notes that it gives for it."""

    account: SystemIdentifier
    amount_milliyuan: PositiveAmount
    notes: tuple[MoneyKey, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        return check_notes(self.notes)


@record("pay-out/1")
class PayOut(Record):
    """Money of an account that is to be paid outside: it is set aside until the platform decides."""

    id: OrderId
    """The call that asked for it."""
    account: SystemIdentifier
    amount_milliyuan: PositiveAmount
    state: PayOutState
    asked_ms: int
    decided_ms: int | None = None
    evidence: Digest | None = None
    """Of what shows the payment outside, such as a bank's advice."""
    reason: ShortText | None = None
    """Why it was refused."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if (self.state is PayOutState.ASKED) != (self.decided_ms is None):
            yield "decided_ms", "stands with what is decided, and only there"
        if (self.evidence is not None) != (self.state is PayOutState.PAID):
            yield "evidence", "stands with what is paid, and only there"
        if (self.reason is not None) != (self.state is PayOutState.REFUSED):
            yield "reason", "stands with what is refused, and only there"


@value
class PayOutPage(ModelValue):
    """Pay-outs of an account, in the order of their ids."""

    pay_outs: tuple[PayOut, ...]
    bookmark: str
