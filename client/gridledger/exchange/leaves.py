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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gridledger.exchange.source import Database, FieldSource
from gridledger.model.canonical import canonical_bytes
from gridledger.model.delivery import DeliveredPeriod, DeliveredRow
from gridledger.model.digest import SALT_BYTES
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.period import Period

__all__ = ["Alteration", "RowChange", "Salts", "first_alteration", "leaf_digests", "read_period"]


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
    database: Database, source: FieldSource, salts: Salts, field: FieldIdentifier, period: Period
) -> DeliveredPeriod:
    """Read the rows of a field and period as they stand in the database at this moment.

    Raises
    ------
    SourceUnreadable
        See `Database.rows`.
    """
    rows = database.rows(source, field.device.own_code, period)
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


class RowChange(StrEnum):
    """How a row differs from its deposit."""

    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, kw_only=True)
class Alteration:
    """The first row that differs from its deposit."""

    field: FieldIdentifier
    period: Period
    row: str
    """Its key."""
    change: RowChange


def first_alteration(period: DeliveredPeriod, kept: Mapping[str, bytes]) -> Alteration | None:
    """Find the first row, by key, that is not the one that was deposited.

    Parameters
    ----------
    period : DeliveredPeriod
        The rows as they stand now.
    kept : mapping of str to bytes
        What `leaf_digests` gave when they were deposited.
    """
    now = leaf_digests(period)
    for key in sorted(now.keys() | kept.keys()):
        if now.get(key) == kept.get(key):
            continue
        change = RowChange.CHANGED
        if key not in now:
            change = RowChange.REMOVED
        elif key not in kept:
            change = RowChange.ADDED
        return Alteration(field=period.field, period=period.period, row=key, change=change)
    return None
