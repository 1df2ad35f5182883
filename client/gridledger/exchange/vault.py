"""What an owner keeps beside its database: the secret of its salts, leaves of deposits, deliveries.

One SQLite file, readable by its owner alone. Losing it loses the salts: deposits can then be neither proven
nor checked, so it is backed up like a key.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gridledger.exchange.leaves import Salts
from gridledger.exchange.private_file import make_private_file
from gridledger.model.digest import Digest
from gridledger.model.errors import ConfigError
from gridledger.model.identifier import FieldIdentifier
from gridledger.model.integrity import PeriodRoot
from gridledger.model.period import Period
from gridledger.web.errors import ServiceUnavailable

__all__ = ["DepositRun", "DepositState", "DepositsStamp", "KeptDelivery", "KeptDeposit", "KeptLeaf", "Vault"]

_SECRET_BYTES: Final = 32
_BUSY_S: Final = 10.0
_VERSION: Final = 2
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS secret (
    one INTEGER PRIMARY KEY CHECK (one = 1), salts BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS deposit (
    field TEXT NOT NULL, period TEXT NOT NULL, supplement INTEGER NOT NULL, root TEXT NOT NULL,
    rows INTEGER NOT NULL, state TEXT NOT NULL, kept_ms INTEGER NOT NULL,
    PRIMARY KEY (field, period, supplement)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS deposit_state ON deposit (state);
CREATE TABLE IF NOT EXISTS leaf (
    field TEXT NOT NULL, period TEXT NOT NULL, row TEXT NOT NULL, supplement INTEGER NOT NULL,
    digest BLOB NOT NULL, PRIMARY KEY (field, period, row)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS former_name (
    field TEXT NOT NULL, former TEXT NOT NULL, PRIMARY KEY (field, former)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery (
    order_id TEXT PRIMARY KEY, content TEXT NOT NULL, rows INTEGER NOT NULL, delivered_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS deposit_run (
    number INTEGER PRIMARY KEY, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,
    deposited INTEGER NOT NULL, refused INTEGER NOT NULL, error TEXT NOT NULL);
"""
_RUNS: Final = 1000
"""Runs of the schedule that are remembered."""
_SELECT: Final = "SELECT field, period, supplement, root, rows, state, kept_ms FROM deposit "


DepositsStamp = tuple[int, int]
"""Other processes' changes of the file, and deposits changed here."""


class DepositState(StrEnum):
    """How far a deposit has come."""

    PENDING = "pending"
    """Its leaves are kept; whether the ledger has it is not known yet."""

    DEPOSITED = "deposited"
    """The ledger has it."""


@dataclass(frozen=True, kw_only=True)
class KeptDeposit:
    """A deposit, and when its leaves were kept."""

    root: PeriodRoot
    state: DepositState
    kept_ms: int


@dataclass(frozen=True, slots=True)
class KeptLeaf:
    """A row of a deposit: the digest of its leaf, and which deposit of its period it belongs to."""

    digest: bytes
    supplement: int


@dataclass(frozen=True, kw_only=True)
class DepositRun:
    """One run of the schedule of deposits."""

    started_ms: int
    ended_ms: int
    deposited: int
    """Roots that the ledger took."""
    refused: int
    """Roots that it did not take."""
    error: str = ""
    """Why the run ended early."""


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
            make_private_file(path)
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise ConfigError(
                    f"is of version {version}, not {_VERSION}",
                    key="vault",
                    source="provider",
                    value=str(path),
                )
            self._connection.executescript(_SCHEMA)
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
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
        self._deposit_changes = 0
        self._path = path

    @contextmanager
    def depositing(self) -> Iterator[None]:
        """Hold the right to deposit while the body runs: one run at a time, of this process or another.

        Raises
        ------
        ServiceUnavailable
            Another run has it; what it deposits need not be deposited again.
        """
        handle = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ServiceUnavailable("another run deposits for this vault") from error
            yield
        finally:
            os.close(handle)

    def prepare(self, deposits: Iterable[tuple[PeriodRoot, Mapping[str, bytes]]], *, now_ms: int) -> None:
        """Keep deposits and their leaves before they are offered to the ledger: all of them, or none.

        Parameters
        ----------
        deposits : iterable of PeriodRoot and mapping
            With what `leaf_digests` gave; in place of those that are still pending.
        now_ms : int
            Milliseconds since 1970.

        Raises
        ------
        sqlite3.IntegrityError
            The ledger has one of them, or a row's key is of another deposit of the period.
        """
        with self._lock, self._transaction():
            self._deposit_changes += 1
            for root, digests in deposits:
                name = (str(root.field), str(root.period))
                self._remove(root)
                self._connection.execute(
                    "INSERT INTO deposit VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*name, root.supplement, str(root.root), root.rows, DepositState.PENDING.value, now_ms),
                )
                rows = ((*name, key, root.supplement, digest) for key, digest in digests.items())
                self._connection.executemany("INSERT INTO leaf VALUES (?, ?, ?, ?, ?)", rows)

    def settle(self, taken: Iterable[PeriodRoot], refused: Iterable[PeriodRoot]) -> None:
        """Note which pending deposits the ledger has, and forget those that it refused."""
        rows = [
            (DepositState.DEPOSITED.value, str(root.field), str(root.period), root.supplement)
            for root in taken
        ]
        with self._lock, self._transaction():
            self._deposit_changes += 1
            self._connection.executemany(
                "UPDATE deposit SET state = ? WHERE field = ? AND period = ? AND supplement = ?", rows
            )
            for root in refused:
                self._remove(root)

    def pending(self) -> list[PeriodRoot]:
        """Return the deposits of which it is not known whether the ledger has them."""
        with self._lock:
            found = self._connection.execute(
                _SELECT + "WHERE state = ? ORDER BY field, period, supplement",
                (DepositState.PENDING.value,),
            ).fetchall()
        return [_kept(row).root for row in found]

    def deposits(self, field: FieldIdentifier, period: Period) -> list[KeptDeposit]:
        """Return the deposits of a field and period, by supplement."""
        with self._lock:
            found = self._connection.execute(
                _SELECT + "WHERE field = ? AND period = ? ORDER BY supplement",
                (str(field), str(period)),
            ).fetchall()
        return [_kept(row) for row in found]

    def periods_of(self, field: FieldIdentifier) -> dict[Period, FieldIdentifier]:
        """Return the periods of a field that have a deposit, pending ones too, and under which name of it."""
        with self._lock:
            found = self._connection.execute(
                "SELECT DISTINCT period, field FROM deposit WHERE field = ? OR field IN"
                " (SELECT former FROM former_name WHERE field = ?)",
                (str(field), str(field)),
            ).fetchall()
        return {Period.parse(period): FieldIdentifier.parse(name) for period, name in found}

    def keep_former(self, field: FieldIdentifier, former: Iterable[FieldIdentifier]) -> None:
        """Keep what a field was called before: its deposits from then are its own."""
        rows = [(str(field), str(one)) for one in former]
        with self._lock, self._transaction():
            self._connection.executemany("INSERT OR IGNORE INTO former_name VALUES (?, ?)", rows)

    def leaves(self, field: FieldIdentifier, period: Period) -> dict[str, KeptLeaf]:
        """Return the leaves of the deposits that the ledger has, by the rows' keys."""
        with self._lock:
            found = self._connection.execute(
                "SELECT leaf.row, leaf.digest, leaf.supplement FROM leaf JOIN deposit"
                " USING (field, period, supplement) WHERE field = ? AND period = ? AND state = ?",
                (str(field), str(period), DepositState.DEPOSITED.value),
            ).fetchall()
        return {row: KeptLeaf(digest, supplement) for row, digest, supplement in found}

    def deposits_stamp(self) -> DepositsStamp:
        """Return what is another value once deposits were changed, here or by another process."""
        with self._lock:
            (elsewhere,) = self._connection.execute("PRAGMA data_version").fetchone()
            return elsewhere, self._deposit_changes

    def keep_run(self, run: DepositRun) -> None:
        """Keep how a run of the schedule ended; the last 1,000 are remembered."""
        with self._lock, self._transaction():
            cursor = self._connection.execute(
                "INSERT INTO deposit_run (started_ms, ended_ms, deposited, refused, error)"
                " VALUES (?, ?, ?, ?, ?)",
                (run.started_ms, run.ended_ms, run.deposited, run.refused, run.error),
            )
            self._connection.execute(
                "DELETE FROM deposit_run WHERE number <= ?", ((cursor.lastrowid or 0) - _RUNS,)
            )

    def runs(self, count: int = 10) -> list[DepositRun]:
        """Return the last runs of the schedule, the latest first."""
        with self._lock:
            found = self._connection.execute(
                "SELECT started_ms, ended_ms, deposited, refused, error FROM deposit_run"
                " ORDER BY number DESC LIMIT ?",
                (count,),
            ).fetchall()
        return [
            DepositRun(started_ms=one, ended_ms=two, deposited=three, refused=four, error=five)
            for one, two, three, four, five in found
        ]

    def count_deposits(self) -> tuple[int, int]:
        """Return how many deposits the ledger has, and how many are pending."""
        with self._lock:
            found = dict(self._connection.execute("SELECT state, COUNT(*) FROM deposit GROUP BY state"))
        return found.get(DepositState.DEPOSITED.value, 0), found.get(DepositState.PENDING.value, 0)

    def keep_deliveries(self, deliveries: Iterable[KeptDelivery]) -> None:
        """Keep what was delivered for orders, in one transaction; the last delivery of an order counts."""
        with self._lock, self._transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO delivery VALUES (?, ?, ?, ?)",
                ((one.order, str(one.content), one.rows, one.delivered_ms) for one in deliveries),
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

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _remove(self, root: PeriodRoot) -> None:
        name = (str(root.field), str(root.period), root.supplement)
        removed = self._connection.execute(
            "DELETE FROM deposit WHERE field = ? AND period = ? AND supplement = ? AND state = ?",
            (*name, DepositState.PENDING.value),
        )
        if removed.rowcount:
            self._connection.execute(
                "DELETE FROM leaf WHERE field = ? AND period = ? AND supplement = ?", name
            )

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


def _kept(row: tuple[str, str, int, str, int, str, int]) -> KeptDeposit:
    field, period, supplement, root, rows, state, kept_ms = row
    return KeptDeposit(
        root=PeriodRoot(
            field=FieldIdentifier.parse(field),
            period=Period.parse(period),
            supplement=supplement,
            root=Digest.parse(root),
            rows=rows,
        ),
        state=DepositState(state),
        kept_ms=kept_ms,
    )
