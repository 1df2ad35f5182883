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

__all__ = ["EnvelopeStore"]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS envelope (
    digest TEXT PRIMARY KEY, body BLOB NOT NULL, kept_ms INTEGER NOT NULL, deposit TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS envelope_without_deposit ON envelope (kept_ms) WHERE deposit IS NULL;
"""
_BUSY_MS: Final = 10_000


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
    so that a rotten disk gives no wrong envelope.
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

    def confirm(self, digest: Digest, deposit: str) -> None:
        """Note under which deposit an envelope stands on the ledger: it is kept for good."""
        self._database.execute(
            "UPDATE envelope SET deposit = ? WHERE digest = ? AND deposit IS NOT ?",
            (deposit, str(digest), deposit),
        )

    def drop(self, digest: Digest) -> None:
        """Drop an envelope that was never deposited; one that was stays."""
        self._database.execute("DELETE FROM envelope WHERE digest = ? AND deposit IS NULL", (str(digest),))

    def sweep(self, before_ms: int) -> int:
        """Drop what came before a moment and was never deposited; return how many."""
        found = self._database.execute(
            "DELETE FROM envelope WHERE deposit IS NULL AND kept_ms < ?", (before_ms,)
        )
        return found.rowcount

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
