"""An owner's rows as salted leaves.

A row's salt is made from the owner's secret:

    key of a field and period = HMAC-SHA256( secret, canonical JSON list of field and period )
    salt                      = first 16 bytes of HMAC-SHA256( that key, the row's key in UTF-8 )

Nothing has to be kept but the secret; every row and field has a salt of its own, and one that was delivered
says nothing about another.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from gridledger.exchange.field_source import FieldSource, SourceRow
from gridledger.exchange.source import Database
from gridledger.model.canonical import canonical_bytes
from gridledger.model.delivery import DeliveredPeriod, DeliveredRow
from gridledger.model.digest import SALT_BYTES
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.integrity import PeriodRoot
from gridledger.model.period import Period

__all__ = [
    "Alteration",
    "PeriodParts",
    "RowChange",
    "Salts",
    "first_alteration",
    "leaf_digests",
    "read_period",
    "salt_rows",
    "split_period",
]


class Salts:
    """Makes the salts of rows.

    Parameters
    ----------
    secret : bytes of length 32
        The owner's; whoever has it can try values against deposits.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __repr__(self) -> str:
        return "Salts()"

    def of(self, field: FieldIdentifier, period: Period) -> Callable[[str], bytes]:
        """Return what makes the salts of a field and period, from the keys of rows."""
        name = canonical_bytes([str(field), str(period)])
        key = hmac.digest(self._secret, name, "sha256")
        return lambda row: hmac.digest(key, row.encode("utf-8"), "sha256")[:SALT_BYTES]


def read_period(
    database: Database,
    source: FieldSource,
    salts: Salts,
    field: FieldIdentifier,
    period: Period,
    deposited_as: FieldIdentifier | None = None,
) -> DeliveredPeriod:
    """Read the rows of a field and period as they stand in the database at this moment.

    Parameters
    ----------
    deposited_as : FieldIdentifier, optional
        What the field was called when the period was deposited: salts and leaves hold that name.

    Raises
    ------
    SourceUnreadable
        See `Database.rows`.
    """
    rows = database.rows(source, field.device.own_code, period)
    return salt_rows(rows, salts, deposited_as or field, period)


def salt_rows(
    rows: Sequence[SourceRow], salts: Salts, field: FieldIdentifier, period: Period
) -> DeliveredPeriod:
    """Return rows of a field and period with their salts."""
    salt = salts.of(field, period)
    return DeliveredPeriod(
        field=field,
        period=period,
        rows=tuple(DeliveredRow(key=row.key, value=row.value, salt=salt(row.key)) for row in rows),
    )


def leaf_digests(period: DeliveredPeriod) -> dict[str, bytes]:
    """Return the digest of each row's leaf, by key: what an owner keeps of a deposit."""
    return {
        row.key: hashlib.sha256(leaf).digest() for row, leaf in zip(period.rows, period.leaves(), strict=True)
    }


@dataclass(frozen=True, kw_only=True)
class PeriodParts:
    """The rows of a field and period by the deposit that they belong to."""

    deposited: tuple[DeliveredPeriod, ...]
    """Those of the first deposit and of each supplement, as they stand now."""
    late: DeliveredPeriod | None = None
    """Rows that are in no deposit, numbered as the supplement that follows; None if there are none."""

    def all(self) -> tuple[DeliveredPeriod, ...]:
        """Return the parts in the order of an owner's statement."""
        return self.deposited if self.late is None else (*self.deposited, self.late)

    @cached_property
    def roots(self) -> tuple[PeriodRoot, ...]:
        """The root of each part, in the same order."""
        return tuple(part.root() for part in self.all())


def split_period(period: DeliveredPeriod, deposits: Mapping[str, int], *, count: int) -> PeriodParts:
    """Part the rows of a field and period by deposit.

    Parameters
    ----------
    period : DeliveredPeriod
        All rows as they stand now.
    deposits : mapping of str to int
        The supplement to which a row's key belongs, 0 for the first deposit.
    count : int
        Number of deposits. Without one, all rows are of the first deposit to come.

    Notes
    -----
    A row that was deposited and is gone is missing in its part, and a changed one stands there changed: the
    part's root differs. Nothing that was deposited can become a late row.
    """
    if count == 0:
        return PeriodParts(deposited=(replace(period, supplement=0),))
    parts: list[list[DeliveredRow]] = [[] for _ in range(count + 1)]
    for row in period.rows:
        parts[deposits.get(row.key, count)].append(row)
    *deposited, late = (
        replace(period, supplement=number, rows=tuple(rows)) for number, rows in enumerate(parts)
    )
    return PeriodParts(deposited=tuple(deposited), late=late if late.rows else None)


class RowChange(StrEnum):
    """How a row differs from its deposit."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"
    """It came after the deposit of its period: a late row."""


@dataclass(frozen=True, kw_only=True)
class Alteration:
    """The first row that differs from its deposit, and what is known of it.

    The value that was deposited is not known: a digest of it was kept, by which a backup's row can be told.
    """

    field: FieldIdentifier
    period: Period
    row: str
    """Its key."""
    change: RowChange
    value: str | None
    """What the database has now; None for NULL, and for a row that is gone."""
    supplement: int | None = None
    """The deposit that it belongs to; None for a late row."""
    deposited_ms: int | None = None
    """When that deposit was made."""
    counts: Mapping[RowChange, int]
    """How many rows of the period differ, and how."""


def first_alteration(period: DeliveredPeriod, kept: Mapping[str, bytes]) -> Alteration | None:
    """Find the first row, by key, that is not the one that was deposited.

    Parameters
    ----------
    period : DeliveredPeriod
        The rows as they stand now.
    kept : mapping of str to bytes
        What `leaf_digests` gave when they were deposited.

    Notes
    -----
    A changed or removed row comes before any added one: rows that came late are no alteration of the deposit.
    """
    now = leaf_digests(period)
    values = {row.key: row.value for row in period.rows}
    found: dict[RowChange, list[str]] = {change: [] for change in RowChange}
    for key in sorted(now.keys() | kept.keys()):
        if now.get(key) == kept.get(key):
            continue
        change = RowChange.CHANGED
        if key not in now:
            change = RowChange.REMOVED
        elif key not in kept:
            change = RowChange.ADDED
        found[change].append(key)
    counts = {change: len(keys) for change, keys in found.items() if keys}
    first = {keys[0]: change for change, keys in found.items() if keys}
    altered = [key for key, change in first.items() if change is not RowChange.ADDED]
    if not first:
        return None
    row = min(altered or first)
    return Alteration(
        field=period.field,
        period=period.period,
        row=row,
        change=first[row],
        value=values.get(row),
        counts=counts,
    )
