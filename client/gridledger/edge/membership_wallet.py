"""A side device's membership keys: which are its own, and which have signed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gridledger.crypto.cryptonote.keys import (
    derive_public_key,
    derive_secret_key,
    derive_view_tag,
    generate_key_derivation,
)
from gridledger.crypto.cryptonote.stealth import SpendSecret, ViewSecret
from gridledger.edge.errors import EnvelopeMissing, NoKeyLeft, RegisterIncomplete
from gridledger.edge.ring_drawing import draw_own
from gridledger.exchange.private_file import make_private_file
from gridledger.model.digest import Digest
from gridledger.model.edge import MembershipPeriod
from gridledger.model.edge_page import BatchAt
from gridledger.model.envelope import EnvelopeStatement
from gridledger.model.identifier import SystemIdentifier

__all__ = ["FoundKey", "MembershipWallet", "OwnKey", "find_own_keys", "open_own_key"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS own_key (
    issuer TEXT NOT NULL, period INTEGER NOT NULL, place INTEGER NOT NULL,
    batch INTEGER NOT NULL, origin BLOB NOT NULL, used INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (issuer, period, place)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent (
    deposit TEXT PRIMARY KEY, one_time_key BLOB NOT NULL, envelope TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True, kw_only=True)
class OwnKey:
    """A membership key of this device."""

    place: int
    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class FoundKey:
    """Where a membership key of this device stands; its secret follows from the address's."""

    place: int
    first: int
    """First place of its batch."""
    origin: bytes
    """Transaction public key of its batch."""


def find_own_keys(view: ViewSecret, batches: Iterable[BatchAt], keys: Sequence[bytes]) -> list[FoundKey]:
    """Find the keys of a period that are this address's.

    Parameters
    ----------
    view : ViewSecret
    batches : iterable of BatchAt
    keys : sequence of bytes
        All keys of the period, by place.

    Notes
    -----
    One derivation a batch; of the keys of others all but one in 256 are passed over by their view tags.
    """
    found = []
    for one in batches:
        derivation = generate_key_derivation(one.batch.origin, view.reveal().reveal())
        for index, tag in enumerate(one.batch.view_tags):
            if derive_view_tag(derivation, index)[0] != tag:
                continue
            place = one.first + index
            if place < len(keys) and keys[place] == derive_public_key(
                derivation, index, view.address.spend_key
            ):
                found.append(FoundKey(place=place, first=one.first, origin=one.batch.origin))
    return found


def open_own_key(secret: SpendSecret, found: FoundKey) -> OwnKey:
    """Derive the secret of a membership key that is this address's."""
    derivation = generate_key_derivation(found.origin, secret.view.reveal().reveal())
    index = found.place - found.first
    return OwnKey(
        place=found.place,
        public=derive_public_key(derivation, index, secret.address.spend_key),
        secret=derive_secret_key(derivation, index, secret.reveal().reveal()),
    )


class MembershipWallet:
    """A side device's keys in a file; a context manager.

    Parameters
    ----------
    path : Path
        SQLite file; made where it is missing. It holds no secret.
    secret : SpendSecret
        Of the device's address.
    """

    def __init__(self, path: Path, secret: SpendSecret) -> None:
        make_private_file(path)
        self._secret = secret
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)

    def learn(self, period: MembershipPeriod, batches: Iterable[BatchAt], keys: Sequence[bytes]) -> int:
        """Enter the device's keys of a period; return how many there are.

        Raises
        ------
        RegisterIncomplete
            They are not one in each round: the issuer has not given every device as many, and rings would
            hide less than they say. Nothing is entered.
        """
        found = find_own_keys(self._secret.view, batches, keys)
        rounds = sorted(period.round_of(one.place) for one in found)
        if rounds != list(range(period.keys_per_device)):
            raise RegisterIncomplete(
                f"the device has {len(found)} keys of period {period.number}, and not one in each round"
            )
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            self._database.executemany(
                "INSERT OR IGNORE INTO own_key (issuer, period, place, batch, origin) VALUES (?, ?, ?, ?, ?)",
                [(str(period.issuer), period.number, one.place, one.first, one.origin) for one in found],
            )
        return len(found)

    def left(self, issuer: SystemIdentifier, period: int) -> int:
        """Return how many keys of a period are unused."""
        (count,) = self._database.execute(
            "SELECT count(*) FROM own_key WHERE issuer = ? AND period = ? AND NOT used", (str(issuer), period)
        ).fetchone()
        return int(count)

    def take(self, issuer: SystemIdentifier, period: int) -> OwnKey:
        """Draw an unused key and use it up; that is on the disk before the call returns.

        Raises
        ------
        NoKeyLeft
            All were used.

        Notes
        -----
        A key that signed twice would show two messages to be one device's; so one whose message was lost on
        the way stays used.
        """
        self._database.execute("BEGIN IMMEDIATE")
        try:
            rows = self._database.execute(
                "SELECT place, batch, origin FROM own_key WHERE issuer = ? AND period = ? AND NOT used",
                (str(issuer), period),
            ).fetchall()
            place = draw_own([row[0] for row in rows]) if rows else -1
            self._database.execute(
                "UPDATE own_key SET used = 1 WHERE issuer = ? AND period = ? AND place = ?",
                (str(issuer), period, place),
            )
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        if not rows:
            raise NoKeyLeft(f"no unused key of {issuer}, period {period}", period=period)
        first, origin = next((row[1], row[2]) for row in rows if row[0] == place)
        return open_own_key(self._secret, FoundKey(place=place, first=first, origin=origin))

    def remember(self, statement: EnvelopeStatement) -> None:
        """Remember what is sent, so that its receipt can be checked."""
        self._database.execute(
            "INSERT OR IGNORE INTO sent (deposit, one_time_key, envelope) VALUES (?, ?, ?)",
            (statement.id, statement.one_time_key, str(statement.envelope)),
        )

    def sent(self, deposit: str) -> tuple[bytes, Digest]:
        """Return the one-time key that an envelope was sealed to, and the envelope's digest.

        Raises
        ------
        EnvelopeMissing
            This device has not sent it.
        """
        row = self._database.execute(
            "SELECT one_time_key, envelope FROM sent WHERE deposit = ?", (deposit,)
        ).fetchone()
        if row is None:
            raise EnvelopeMissing(f"this device has not sent {deposit}", digest=deposit)
        return row[0], Digest.parse(row[1])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
