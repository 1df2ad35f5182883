"""What an owner keeps beside its database: the secret of its salts, leaves of deposits, deliveries.

One SQLite file, readable by its owner alone. Losing it loses the salts: deposits can then be neither proven
nor checked, so it is backed up like a key.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gridledger.exchange.leaves import Salts
from gridledger.model.digest import Digest
from gridledger.model.errors import ConfigError
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.period import Period

__all__ = ["KeptDelivery", "Vault"]

_SECRET_BYTES: Final = 32
_BUSY_S: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS secret (
    one INTEGER PRIMARY KEY CHECK (one = 1), salts BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS leaf (
    field TEXT NOT NULL, period TEXT NOT NULL, row TEXT NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (field, period, row)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery (
    order_id TEXT PRIMARY KEY, content TEXT NOT NULL, rows INTEGER NOT NULL, delivered_ms INTEGER NOT NULL);
"""


@dataclass(frozen=True, kw_only=True)
class KeptDelivery:
    """What was delivered for an order."""

    order: str
    content: Digest
    rows: int
    delivered_ms: int


class Vault:
    """An owner's own file; a context manager.

    Parameters
    ----------
    path : Path
        Made with its secret where there is none.

    Raises
    ------
    ConfigError
        If it cannot be opened or is no vault.

    Notes
    -----
    Calls block and may come from several threads.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(_SCHEMA)
            self._connection.execute(
                "INSERT INTO secret VALUES (1, ?) ON CONFLICT DO NOTHING",
                (secrets.token_bytes(_SECRET_BYTES),),
            )
            (secret,) = self._connection.execute("SELECT salts FROM secret").fetchone()
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"cannot be opened: {error}", key="vault", source="provider", value=str(path)
            ) from error
        self.salts = Salts(secret)

    def keep_leaves(self, deposits: Iterable[tuple[FieldIdentifier, Period, Mapping[str, bytes]]]) -> None:
        """Keep the digests of the leaves of deposits: all of them, or none after a crash."""
        kept = [(str(field), str(period), digests) for field, period, digests in deposits]
        rows = [(*name, key, digest) for *name, digests in kept for key, digest in digests.items()]
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(
                    "DELETE FROM leaf WHERE field = ? AND period = ?", [name for *name, _ in kept]
                )
                self._connection.executemany("INSERT INTO leaf VALUES (?, ?, ?, ?)", rows)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def leaves(self, field: FieldIdentifier, period: Period) -> dict[str, bytes]:
        """Return the digests of a deposit's leaves by key; empty if none were kept."""
        with self._lock:
            found = self._connection.execute(
                "SELECT row, digest FROM leaf WHERE field = ? AND period = ?", (str(field), str(period))
            ).fetchall()
        return dict(found)

    def keep_delivery(self, delivery: KeptDelivery) -> None:
        """Keep what was delivered for an order; the last delivery of an order counts."""
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO delivery VALUES (?, ?, ?, ?)",
                (delivery.order, str(delivery.content), delivery.rows, delivery.delivered_ms),
            )

    def delivery(self, order: str) -> KeptDelivery | None:
        """Return what was delivered for an order."""
        with self._lock:
            found = self._connection.execute(
                "SELECT content, rows, delivered_ms FROM delivery WHERE order_id = ?", (order,)
            ).fetchone()
        if found is None:
            return None
        content, rows, delivered_ms = found
        return KeptDelivery(order=order, content=Digest.parse(content), rows=rows, delivered_ms=delivered_ms)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
