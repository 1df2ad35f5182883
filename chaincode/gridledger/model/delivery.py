"""Deliveries: rows of fields with their salts, as owners hand them over and data applications check them.

A delivery holds all rows of each deposit, so the rows are their own proof: their leaves lead to the deposited
root, none is missing and none was added. Rows that came late and were deposited as a supplement of their
period stand by themselves, under the number of the supplement. `DeliveredPeriod.proof` makes of them the
inclusion proof of one row alone, for a third party that must not see the others.

The leaf of a row is its salt followed by the canonical JSON of field, period, key and value
(`merkle.row_leaf`), with `value` left out where the database has NULL.

Source: CN112508707B, [0095], [0102].
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.canonical import canonical_text
from gridledger.model.digest import SALT_BYTES, Digest
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import MAX_SUPPLEMENTS, PeriodRoot
from gridledger.model.merkle import InclusionProof, MerkleTree, merkle_root, row_leaf
from gridledger.model.period import Period
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.trade import OrderId

__all__ = ["DeliveredPeriod", "DeliveredRow", "Delivery"]

RowKey = Annotated[str, StringConstraints(min_length=1, max_length=200)]


@value
class DeliveredRow(ModelValue):
    """One row of a field."""

    key: RowKey
    """What the owner names the row by, such as the time of a reading."""
    value: str | None = None
    """The content; none where the database has NULL."""
    salt: bytes

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if len(self.salt) == SALT_BYTES:
            return ()
        return (("salt", f"has {len(self.salt)} bytes, not {SALT_BYTES}"),)

    def leaf(self, field: FieldIdentifier, period: Period) -> bytes:
        """Return the leaf by which this row stands in the tree of a field and period."""
        row = {"field": str(field), "key": self.key, "period": str(period)}
        return row_leaf(row if self.value is None else row | {"value": self.value}, self.salt)


@value
class DeliveredPeriod(ModelValue):
    """All rows of a field and period that were deposited at once, in the order of their keys."""

    field: FieldIdentifier
    period: Period
    supplement: Annotated[int, Field(ge=0, le=MAX_SUPPLEMENTS + 1)] = 0
    """0: the period's first deposit; n: its n-th supplement."""
    rows: tuple[DeliveredRow, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        keys = [row.key for row in self.rows]
        if keys != sorted(set(keys)):
            yield "rows", "are not in the order of their keys, each once"

    def leaves(self) -> list[bytes]:
        """Return the leaves in their order: those of `DeliveredRow.leaf`, what they share written once."""
        text = canonical_text
        head, tail = f'{{"field":{text(str(self.field))},"key":', f',"period":{text(str(self.period))}'
        return [
            row.salt
            + (
                f"{head}{text(row.key)}{tail}}}"
                if row.value is None
                else f'{head}{text(row.key)}{tail},"value":{text(row.value)}}}'
            ).encode()
            for row in self.rows
        ]

    def root(self) -> PeriodRoot:
        """Return the root to which these rows lead."""
        root = merkle_root(self.leaves())
        return PeriodRoot(
            field=self.field, period=self.period, supplement=self.supplement, root=root, rows=len(self.rows)
        )

    def proof(self, index: int) -> InclusionProof:
        """Make the inclusion proof of one row.

        Raises
        ------
        ModelError
            There is no such row.
        """
        return MerkleTree(self.leaves()).proof(index)


@record("delivery/1")
class Delivery(Record):
    """What an owner hands over for its line of an order."""

    order: OrderId
    owner: SystemIdentifier
    periods: tuple[DeliveredPeriod, ...]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        named = {(str(one.field), str(one.period), one.supplement) for one in self.periods}
        if len(named) != len(self.periods):
            yield "periods", "one stands twice"
        keys: dict[tuple[str, str], set[str]] = {}
        for one in self.periods:
            earlier = keys.setdefault((str(one.field), str(one.period)), set())
            if not earlier.isdisjoint(row.key for row in one.rows):
                yield "periods", f"{one.field} {one.period}: a key stands in two deposits"
            earlier.update(row.key for row in one.rows)

    def rows(self) -> int:
        """Return the number of rows, all fields together."""
        return sum(len(period.rows) for period in self.periods)

    def digest(self) -> Digest:
        """Return the digest that the transaction contract names."""
        return Digest.of(self.to_bytes())
