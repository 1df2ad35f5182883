"""A storage node's own store: envelopes by digest, in one SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gridledger.edge.errors import EnvelopeMissing
from gridledger.exchange.private_file import make_private_file
from gridledger.model.digest import Digest

__all__ = ["UNSETTLED_ROWS", "EnvelopeStore"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS envelope (
    digest TEXT PRIMARY KEY, body BLOB NOT NULL, kept_ms INTEGER NOT NULL, deposit TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS envelope_without_deposit ON envelope (kept_ms) WHERE deposit IS NULL;
CREATE TABLE IF NOT EXISTS offer (
    digest TEXT NOT NULL, deposit TEXT NOT NULL, PRIMARY KEY (digest, deposit)
) WITHOUT ROWID;
"""
_BUSY_MS: Final = 10_000

UNSETTLED_ROWS: Final = 1_000
"""What one sweep looks at: each costs a question to the ledger."""


class EnvelopeStore:
    """Envelopes that a storage node keeps; a context manager.

    Parameters
    ----------
    path : Path
        The file; made where it is missing, readable by its owner only.
    clock : callable, default time.time
        Seconds since 1970.

    Notes
    -----
    What was kept is on the disk when the call returns. A body is checked against its digest when it is read,
    so that a rotten disk gives no wrong envelope. An offer is the id of a deposit that was tried for an
    envelope: what a crash leaves between trying and knowing is settled by asking the ledger for it.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        make_private_file(path)
        self._clock = clock
        self._database = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_MS / 1000)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)

    def keep(self, envelope: bytes, *, deposit: str | None = None) -> Digest:
        """Keep an envelope; one that is there stays, and learns its deposit."""
        digest = Digest.of(envelope)
        self._database.execute(
            "INSERT INTO envelope (digest, body, kept_ms, deposit) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (digest) DO UPDATE SET deposit = coalesce(excluded.deposit, deposit)",
            (str(digest), envelope, int(self._clock() * 1000), deposit),
        )
        return digest

    def offer(self, envelope: bytes, deposit: str) -> None:
        """Keep an envelope that is about to be deposited under an id."""
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            digest = self.keep(envelope)
            self._database.execute("INSERT OR IGNORE INTO offer VALUES (?, ?)", (str(digest), deposit))

    def confirm(self, digest: Digest, deposit: str) -> None:
        """Note under which deposit an envelope stands on the ledger: it is kept for good."""
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            self._database.execute(
                "UPDATE envelope SET deposit = ? WHERE digest = ? AND deposit IS NOT ?",
                (deposit, str(digest), deposit),
            )
            self._database.execute("DELETE FROM offer WHERE digest = ?", (str(digest),))

    def withdraw(self, digest: Digest, deposit: str) -> None:
        """Forget an offer that the ledger refused, and the envelope if it has no other and no deposit."""
        self._database.execute("BEGIN IMMEDIATE")
        with self._database:
            self._database.execute(
                "DELETE FROM offer WHERE digest = ? AND deposit = ?", (str(digest), deposit)
            )
            self._database.execute(
                "DELETE FROM envelope WHERE digest = ?1 AND deposit IS NULL"
                " AND NOT EXISTS (SELECT 1 FROM offer WHERE digest = ?1)",
                (str(digest),),
            )

    def unsettled(self, before_ms: int) -> list[tuple[Digest, str]]:
        """Return envelopes that came before a moment and have no deposit, with each of their offers.

        The earliest come first, 1,000 at most; what was never offered has the offer ``""``.
        """
        rows = self._database.execute(
            "SELECT digest, coalesce(offer.deposit, '') FROM envelope LEFT JOIN offer USING (digest)"
            " WHERE envelope.deposit IS NULL AND kept_ms < ? ORDER BY kept_ms LIMIT ?",
            (before_ms, UNSETTLED_ROWS),
        )
        return [(Digest.parse(digest), offer) for digest, offer in rows]

    def read(self, digest: Digest) -> bytes:
        """Return an envelope.

        Raises
        ------
        EnvelopeMissing
            It is not here, or its bytes are not those of its digest any more.
        """
        row = self._database.execute("SELECT body FROM envelope WHERE digest = ?", (str(digest),)).fetchone()
        if row is None or Digest.of(row[0]) != digest:
            raise EnvelopeMissing(f"the envelope {digest} is not here", digest=str(digest))
        body: bytes = row[0]
        return body

    def has(self, digest: Digest) -> bool:
        """Say whether an envelope is here."""
        row = self._database.execute("SELECT 1 FROM envelope WHERE digest = ?", (str(digest),)).fetchone()
        return row is not None

    def having(self, digests: Iterable[Digest]) -> list[Digest]:
        """Return those of some envelopes that are here, in the ascending order of their digests."""
        return sorted(digest for digest in digests if self.has(digest))

    def __len__(self) -> int:
        (count,) = self._database.execute("SELECT count(*) FROM envelope").fetchone()
        return int(count)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
