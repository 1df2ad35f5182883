"""Remember the nonces of accepted requests, so that a copy of one is refused."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from gridledger.web.errors import Overloaded, Replayed, ServiceUnavailable

__all__ = ["MemoryReplayStore", "ReplayStore", "SQLiteReplayStore"]

CAPACITY: Final = 200_000
"""Nonces held at once by default: 60 s of 3,000 requests a second, about 30 MB on disk."""
CAPACITY_PER_SIGNER: Final = 50_000
"""Nonces of one signer by default, so that one caller cannot fill the store for all others."""
PURGE_EVERY_S: Final = 10
_BUSY_TIMEOUT_S: Final = 5.0


class ReplayStore(Protocol):
    """Keeps pairs of signer and nonce until they expire."""

    async def remember(self, signer: str, nonce: str, *, expires_at: int, now: int) -> None:
        """Take note of a nonce.

        Parameters
        ----------
        signer : str
            Fingerprint of the signer's certificate.
        nonce : str
        expires_at, now : int
            Seconds since 1970.

        Raises
        ------
        Replayed
            If the pair is known and not expired.
        Overloaded
            If the store, or the signer's share of it, is full.
        ServiceUnavailable
            If the store cannot be written; the request must then be refused.
        """
        ...

    async def close(self) -> None:
        """Release what is held."""
        ...


class MemoryReplayStore:
    """Keep nonces in this process: for tests, and servers that sign on to a new identity at every start.

    Parameters
    ----------
    capacity : int, default CAPACITY
        Nonces held at once; further requests are turned away, never live nonces forgotten.
    capacity_per_signer : int, default CAPACITY_PER_SIGNER
    """

    def __init__(self, *, capacity: int = CAPACITY, capacity_per_signer: int = CAPACITY_PER_SIGNER) -> None:
        self._capacity = capacity
        self._capacity_per_signer = capacity_per_signer
        self._expiries: dict[tuple[str, str], int] = {}
        self._shares: Counter[str] = Counter()
        self._next_purge = 0

    async def remember(self, signer: str, nonce: str, *, expires_at: int, now: int) -> None:
        """Take note of a nonce; see ReplayStore."""
        known = self._expiries.get((signer, nonce))
        if known is not None and known >= now:
            raise _replayed(nonce)
        if now >= self._next_purge or len(self._expiries) >= self._capacity:
            self._purge(now)
        _require_room(len(self._expiries), self._capacity, self._shares[signer], self._capacity_per_signer)
        self._expiries[signer, nonce] = expires_at
        self._shares[signer] += 1

    async def close(self) -> None:
        """Forget everything."""
        self._expiries.clear()
        self._shares.clear()

    def _purge(self, now: int) -> None:
        self._expiries = {pair: expiry for pair, expiry in self._expiries.items() if expiry >= now}
        self._shares = Counter(signer for signer, _ in self._expiries)
        self._next_purge = now + PURGE_EVERY_S

    def __len__(self) -> int:
        return len(self._expiries)


class SQLiteReplayStore:
    """Keep nonces in a SQLite file: they outlive the process, and several processes share them.

    Parameters
    ----------
    path : str or Path
        The file; made if missing.
    capacity : int, default CAPACITY
        Nonces held at once; further requests are turned away, never live nonces forgotten.
    capacity_per_signer : int, default CAPACITY_PER_SIGNER

    Notes
    -----
    Every nonce is on disk (WAL, one fsync) before the request is handled: a power cut lets no copy through.
    The two capacities are counted by each process, and anew at every purge, which is every 10 seconds.
    """

    def __init__(
        self, path: str | Path, *, capacity: int = CAPACITY, capacity_per_signer: int = CAPACITY_PER_SIGNER
    ) -> None:
        self._path = Path(path)
        self._capacity = capacity
        self._capacity_per_signer = capacity_per_signer
        self._lock = threading.Lock()
        self._shares: Counter[str] = Counter()
        self._next_purge = 0
        try:
            self._connection = sqlite3.connect(
                self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            self._connection.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                "CREATE TABLE IF NOT EXISTS nonce (signer TEXT NOT NULL, nonce TEXT NOT NULL,"
                " expires_at INTEGER NOT NULL, PRIMARY KEY (signer, nonce)) WITHOUT ROWID;"
                "CREATE INDEX IF NOT EXISTS nonce_expires_at ON nonce (expires_at);"
            )
        except sqlite3.Error as error:
            raise ServiceUnavailable(f"the replay store {self._path} cannot be opened: {error}") from error

    async def remember(self, signer: str, nonce: str, *, expires_at: int, now: int) -> None:
        """Take note of a nonce; see ReplayStore."""
        await asyncio.to_thread(self._remember, signer, nonce, expires_at, now)

    async def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _remember(self, signer: str, nonce: str, expires_at: int, now: int) -> None:
        try:
            with self._lock:
                held = sum(self._shares.values()) if now < self._next_purge else self._purge(now)
                if held >= self._capacity:
                    held = self._purge(now)
                if self._is_known(signer, nonce, now):
                    raise _replayed(nonce)
                _require_room(held, self._capacity, self._shares[signer], self._capacity_per_signer)
                # The primary key decides between processes: the second insert changes no row.
                cursor = self._connection.execute(
                    "INSERT INTO nonce VALUES (?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at WHERE expires_at < ?",
                    (signer, nonce, expires_at, now),
                )
                if cursor.rowcount == 0:
                    raise _replayed(nonce)
                self._shares[signer] += 1
        except sqlite3.Error as error:
            raise ServiceUnavailable(f"the replay store cannot be written: {error}") from error

    def _is_known(self, signer: str, nonce: str, now: int) -> bool:
        row = self._connection.execute(
            "SELECT 1 FROM nonce WHERE signer = ? AND nonce = ? AND expires_at >= ?", (signer, nonce, now)
        ).fetchone()
        return row is not None

    def _purge(self, now: int) -> int:
        self._connection.execute("DELETE FROM nonce WHERE expires_at < ?", (now,))
        rows = self._connection.execute("SELECT signer, COUNT(*) FROM nonce GROUP BY signer")
        self._shares = Counter(dict(rows))
        self._next_purge = now + PURGE_EVERY_S
        return sum(self._shares.values())


def _replayed(nonce: str) -> Replayed:
    return Replayed("this request was sent before", nonce=nonce)


def _require_room(held: int, capacity: int, share: int, capacity_per_signer: int) -> None:
    if held >= capacity:
        raise Overloaded("the store of nonces is full", capacity=capacity)
    if share >= capacity_per_signer:
        raise Overloaded("this signer has too many requests within the window", capacity=capacity_per_signer)
