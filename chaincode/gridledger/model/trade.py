"""Money, orders, holds, transaction contracts and settlements. Amounts are milli-yuan.

Source: CN112508707B, [0096] to [0099].
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.digest import Digest
from gridledger.model.fee import FeeKind
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.period import Day
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.states import OrderState

__all__ = [
    "LEAST_HOLD_MS",
    "LONGEST_HOLD_MS",
    "MAX_NOTES",
    "CountersignedContract",
    "Delta",
    "Hold",
    "MoneyKey",
    "MoneyKind",
    "Note",
    "Order",
    "OrderEntry",
    "OrderLine",
    "OrderMark",
    "OwnedMoney",
    "Settlement",
    "TransactionContract",
    "check_notes",
]

MAX_NOTES = 256
"""Notes or delta rows that one call names."""

LEAST_HOLD_MS = 1_000
LONGEST_HOLD_MS = 7 * 24 * 3600 * 1000

Amount = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(gt=0)]
OrderId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class MoneyKind(StrEnum):
    """Keys that hold an account's money."""

    NOTE = "note"
    DELTA = "delta"


@value
class MoneyKey(ModelValue):
    """Names a note or a delta row of an account."""

    tx_id: OrderId
    """The transaction that made it."""
    number: Annotated[int, Field(ge=0, lt=2**20)]
    """Which one of that transaction's."""


@record("note/1")
class Note(Record):
    """An amount that can be spent once."""

    amount_milliyuan: Positive
    made_ms: int


@record("delta/1")
class Delta(Record):
    """A payment that came in; folding makes a note of it."""

    amount_milliyuan: Positive
    order: OrderId
    """What it was paid for; for a fee its cause."""
    payer: SystemIdentifier
    made_ms: int
    fee: FeeKind | None = None


@value
class OwnedMoney(ModelValue):
    """A note or delta row as a query lists it."""

    kind: MoneyKind
    key: MoneyKey
    amount_milliyuan: Positive


@value
class OrderEntry(ModelValue):
    """What a data application orders, and the notes that it pays with."""

    application: SystemIdentifier
    resolution: str
    amount_milliyuan: Amount
    """What it expects to pay, with the resolution's fee; another amount is refused."""
    notes: tuple[MoneyKey, ...]
    hold_ms: Annotated[int, Field(ge=LEAST_HOLD_MS, le=LONGEST_HOLD_MS)]
    """How long each owner has to deliver."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        return check_notes(self.notes)


@value
class OrderLine(ModelValue):
    """What is ordered of one system."""

    system: SystemIdentifier
    fields: tuple[FieldIdentifier, ...]
    amount_milliyuan: Amount


@record("order/1")
class Order(Record):
    """An order; what became of each line stands in its hold or settlement."""

    id: OrderId
    application: SystemIdentifier
    resolution: str
    lines: tuple[OrderLine, ...]
    placed_ms: int
    deadline_ms: int
    fee_milliyuan: Positive | None = None
    """What went to the platform with it; none where the fee was paid before, or there is none."""

    @property
    def amount_milliyuan(self) -> int:
        """What all lines cost, without the fee."""
        return sum(line.amount_milliyuan for line in self.lines)

    def line(self, system: SystemIdentifier) -> OrderLine | None:
        """Return the line of a system, if it has one."""
        return next((line for line in self.lines if line.system == system), None)


@record("order-mark/1")
class OrderMark(Record):
    """A resolution has been ordered."""

    order: OrderId


@record("hold/1")
class Hold(Record):
    """Money of an order that waits for one owner's delivery."""

    payer: SystemIdentifier
    amount_milliyuan: Amount
    deadline_ms: int


@record("transaction-contract/1")
class TransactionContract(Record):
    """What a data application and an owner agree to have traded; both agents sign these bytes."""

    order: OrderId
    resolution: str
    application: SystemIdentifier
    owner: SystemIdentifier
    fields: tuple[FieldIdentifier, ...]
    """Content, by name only."""
    first: Day
    last: Day
    rows: Annotated[int, Field(ge=0)]
    """Number of delivered rows, all fields together."""
    content: Digest
    """SHA-256 of the delivery's bytes."""
    amount_milliyuan: Amount
    concluded_ms: int


@record("countersigned-contract/1")
class CountersignedContract(Record):
    """A transaction contract with both signatures, DER."""

    contract: TransactionContract
    application_signature: bytes
    owner_signature: bytes


@record("settlement/1")
class Settlement(Record):
    """What became of a hold."""

    state: OrderState
    """Settled: paid to the owner. Returned: back at the payer."""
    account: SystemIdentifier
    """Who has the money now."""
    amount_milliyuan: Amount
    settled_ms: int
    tx_id: str
    contract: Digest | None = None
    """SHA-256 of the transaction contract's bytes."""
    statement: Digest | None = None
    """SHA-256 of the owner's delivery statement, by which it was settled without a contract."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if self.state not in (OrderState.SETTLED, OrderState.RETURNED):
            yield "state", "want settled or returned"
        grounds = sum(one is not None for one in (self.contract, self.statement))
        if grounds != (self.state is OrderState.SETTLED):
            yield "contract", "it or a statement stands with what is settled, and only there"


def check_notes(notes: tuple[MoneyKey, ...]) -> Iterable[tuple[str, str]]:
    """Name what is wrong with the notes that a call names, as `broken_rules` does."""
    if len(notes) > MAX_NOTES:
        yield "notes", f"are more than {MAX_NOTES}"
    if len(set(notes)) != len(notes):
        yield "notes", "one stands twice"
