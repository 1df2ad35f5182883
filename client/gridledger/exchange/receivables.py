"""What an owner delivered and is not paid for yet: requests that it was asked with, and receipts.

One SQLite file beside the vault. Losing it loses no money that was paid, but what is needed to claim a hold.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gridledger.exchange.private_file import make_private_file
from gridledger.model.claim import SignedDeliveryRequest
from gridledger.model.digest import Digest
from gridledger.model.errors import ConfigError
from gridledger.model.trade import CountersignedContract

__all__ = ["Receivable", "Receivables"]

_BUSY_S: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS receivable (
    order_id TEXT PRIMARY KEY, asked BLOB NOT NULL, content TEXT NOT NULL, rows INTEGER NOT NULL,
    delivered_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL, receipt BLOB,
    closed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS receivable_open ON receivable (closed, delivered_ms);
"""
_COLUMNS: Final = "asked, content, rows, delivered_ms, deadline_ms, receipt"


@dataclass(frozen=True, kw_only=True)
class Receivable:
    """A delivery that is not paid for yet, as far as the owner knows."""

    asked: SignedDeliveryRequest
    content: Digest
    rows: int
    delivered_ms: int
    deadline_ms: int
    """When the hold may return."""
    receipt: CountersignedContract | None = None
    """The transaction contract with both signatures."""

    @property
    def order(self) -> str:
        """The order's id."""
        return self.asked.request.order


class Receivables:
    """An owner's file of deliveries that are not paid yet.

    Parameters
    ----------
    path : Path
        Made where there is none, readable by its owner alone.

    Raises
    ------
    ConfigError
        If it cannot be opened.

    Notes
    -----
    Calls block and may come from several threads.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            make_private_file(path)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"cannot be opened: {error}", key="vault", source="provider", value=str(path)
            ) from error

    def keep(self, receivables: Iterable[Receivable]) -> None:
        """Keep deliveries, in one transaction; the last one of an order counts, and a receipt stays."""
        self._write(
            "INSERT INTO receivable (order_id, asked, content, rows, delivered_ms, deadline_ms)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET asked = excluded.asked,"
            " content = excluded.content, rows = excluded.rows, delivered_ms = excluded.delivered_ms",
            [
                (
                    one.order,
                    one.asked.to_bytes(),
                    str(one.content),
                    one.rows,
                    one.delivered_ms,
                    one.deadline_ms,
                )
                for one in receivables
            ],
        )

    def keep_receipts(self, receipts: Iterable[CountersignedContract]) -> None:
        """Keep contracts with both signatures, in one transaction, before they are handed out."""
        self._write(
            "UPDATE receivable SET receipt = ? WHERE order_id = ?",
            [(one.to_bytes(), one.contract.order) for one in receipts],
        )

    def waiting(self, *, delivered_before_ms: int, limit: int) -> list[Receivable]:
        """Return deliveries that are not known to be paid, the oldest first."""
        with self._lock:
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM receivable WHERE closed = 0 AND delivered_ms < ?"  # noqa: S608
                " ORDER BY delivered_ms LIMIT ?",
                (delivered_before_ms, limit),
            ).fetchall()
        return [_receivable(row) for row in rows]

    def close_delivery(self, order: str) -> None:
        """Say that a delivery needs nothing more: it was paid, or its hold is gone."""
        with self._lock:
            self._connection.execute("UPDATE receivable SET closed = 1 WHERE order_id = ?", (order,))

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany(statement, rows)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _receivable(row: tuple[bytes, str, int, int, int, bytes | None]) -> Receivable:
    asked, content, rows, delivered_ms, deadline_ms, receipt = row
    return Receivable(
        asked=SignedDeliveryRequest.from_bytes(asked),
        content=Digest.parse(content),
        rows=rows,
        delivered_ms=delivered_ms,
        deadline_ms=deadline_ms,
        receipt=None if receipt is None else CountersignedContract.from_bytes(receipt),
    )
