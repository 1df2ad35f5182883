"""The ledger: blocks and state in one SQLite database; a block and what it changes are one transaction."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final, TypeAlias

from fabric_protos.common import common_pb2

from gridledger.network.devnet.block import BlockHeader, data_hash
from gridledger.network.devnet.errors import LedgerCorrupt, LedgerFailed
from gridledger.network.devnet.snapshot import Snapshot, SnapshotPool
from gridledger.network.devnet.state import UpdateBatch, Version
from gridledger.network.devnet.transaction_index import TransactionIndex

__all__ = ["BlockWrite", "Ledger", "PrivateRow"]

_SCHEMA_VERSION: Final = 1
_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE block (
    number INTEGER PRIMARY KEY, previous_hash BLOB NOT NULL, data_hash BLOB NOT NULL, hash BLOB NOT NULL
    UNIQUE, signatures BLOB NOT NULL);
CREATE TABLE envelope (place INTEGER PRIMARY KEY, code INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE tx (txid BLOB PRIMARY KEY, place INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE state (
    namespace TEXT NOT NULL, key BLOB NOT NULL, place INTEGER NOT NULL, metadata BLOB, value BLOB NOT NULL,
    PRIMARY KEY (namespace, key)) WITHOUT ROWID;
CREATE TABLE hashed_state (
    namespace TEXT NOT NULL, collection TEXT NOT NULL, key BLOB NOT NULL, place INTEGER NOT NULL, metadata
    BLOB, value BLOB NOT NULL, PRIMARY KEY (namespace, collection, key)) WITHOUT ROWID;
CREATE TABLE private_state (
    msp_id TEXT NOT NULL, namespace TEXT NOT NULL, collection TEXT NOT NULL, key BLOB NOT NULL,
    key_hash BLOB NOT NULL, place INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (msp_id, namespace, collection, key)) WITHOUT ROWID;
CREATE INDEX private_state_hash ON private_state (namespace, collection, key_hash);
CREATE TABLE history (
    namespace TEXT NOT NULL, key BLOB NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (namespace, key, place)) WITHOUT ROWID;
CREATE TABLE private_history (
    namespace TEXT NOT NULL, collection TEXT NOT NULL, key BLOB NOT NULL, place INTEGER NOT NULL,
    PRIMARY KEY (namespace, collection, key, place)) WITHOUT ROWID;
CREATE TABLE private_write (
    place INTEGER NOT NULL, msp_id TEXT NOT NULL, namespace TEXT NOT NULL, collection TEXT NOT NULL,
    expires INTEGER, data BLOB, PRIMARY KEY (place, msp_id, namespace, collection)) WITHOUT ROWID;
CREATE INDEX private_write_expires ON private_write (expires) WHERE expires IS NOT NULL;
CREATE TABLE expiry (
    block INTEGER NOT NULL, namespace TEXT NOT NULL, collection TEXT NOT NULL, key BLOB NOT NULL,
    written INTEGER NOT NULL, PRIMARY KEY (block, namespace, collection, key, written)) WITHOUT ROWID;
CREATE TABLE package (
    msp_id TEXT NOT NULL, package_id TEXT NOT NULL, label TEXT NOT NULL, connection TEXT NOT NULL, data BLOB
    NOT NULL, PRIMARY KEY (msp_id, package_id));
"""

_ROWS_A_STEP: Final = 500

_Row: TypeAlias = "tuple[object, ...]"
PrivateRow: TypeAlias = "tuple[str, str, str, bytes, bytes, int, bytes | None]"
"""MSP, namespace, collection, key, its hash, place, value (None: delete)."""

PrivateWriteRow: TypeAlias = "tuple[int, str, str, str, int | None, bytes | None]"
"""Place, MSP, namespace, collection, block that it expires with, serialised writes (None: missing)."""


@dataclass(kw_only=True)
class BlockWrite:
    """All that one block writes.

    Parameters
    ----------
    header : BlockHeader
        The block's header.
    signatures : bytes
        Its SIGNATURES metadata.
    envelopes, codes : sequence of bytes, sequence of int
        The transactions and their validation codes.
    transaction_ids : sequence of str
        Their ids, empty where there is none.
    updates : UpdateBatch
        Changes to the public and the hashed state.
    private : list of PrivateRow
        Changes to the organisations' private state.
    private_writes : list of PrivateWriteRow
        The private writes of the block's transactions, for those who look at the block.
    replaced_private_writes : dict
        Earlier private writes that lose purged keys: place, MSP, namespace, collection to what is left.
    expiries, history, private_history : list of tuple
        Rows of the tables of these names.
    changes_lifecycle : bool
        Whether the block changes a chaincode's definition or an approval.
    """

    header: BlockHeader
    signatures: bytes
    envelopes: Sequence[bytes]
    codes: Sequence[int]
    transaction_ids: Sequence[str]
    updates: UpdateBatch = field(default_factory=UpdateBatch)
    private: list[PrivateRow] = field(default_factory=list)
    private_writes: list[PrivateWriteRow] = field(default_factory=list)
    replaced_private_writes: dict[tuple[int, str, str, str], bytes] = field(default_factory=dict)
    expiries: list[_Row] = field(default_factory=list)
    history: list[_Row] = field(default_factory=list)
    private_history: list[_Row] = field(default_factory=list)
    changes_lifecycle: bool = False


class Ledger:
    """The chain and its state.

    Parameters
    ----------
    path : Path
        The database file; made where it is missing.

    Raises
    ------
    LedgerCorrupt
        If the stored chain does not verify.

    Notes
    -----
    One committer writes. `synchronous = FULL` flushes the write-ahead log at every commit, so a block that
    was reported is there after kill -9 and after a power cut. Readers see whole blocks only.
    """

    def __init__(self, path: Path) -> None:
        self._uri = f"{path.resolve().as_uri()}"
        self._writer = sqlite3.connect(self._uri, uri=True, isolation_level=None, check_same_thread=False)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="committer")
        self._condition = asyncio.Condition()
        self.height = 0
        self.last_hash = b""
        try:
            self._open()
            self._lifecycle_height = self._meta("lifecycle_height")
            self._recover()
        except sqlite3.Error as error:
            self._writer.close()
            raise LedgerCorrupt(f"{path} cannot be read: {error}") from error
        except LedgerCorrupt:
            self._writer.close()
            raise
        self._index = TransactionIndex(self.height)
        self._pool = SnapshotPool(self._uri, self._index)

    def _open(self) -> None:
        self._writer.execute("PRAGMA journal_mode = WAL")
        self._writer.execute("PRAGMA synchronous = FULL")
        self._writer.execute("PRAGMA wal_autocheckpoint = 4000")
        version = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            self._writer.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")
        elif version != _SCHEMA_VERSION:
            raise LedgerCorrupt(f"the ledger is of version {version}, not {_SCHEMA_VERSION}")

    def _meta(self, name: str) -> int:
        row = self._writer.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def _set_meta(self, name: str, value: int) -> None:
        self._writer.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def _recover(self) -> None:
        """Check every header, and the transactions of those blocks that were written since the last start."""
        verified = self._meta("verified_height")
        for number, previous, stored_data_hash, stored_hash in self._writer.execute(
            "SELECT number, previous_hash, data_hash, hash FROM block ORDER BY number"
        ):
            header = BlockHeader(number, previous, stored_data_hash)
            if number != self.height or previous != self.last_hash or header.hash() != stored_hash:
                raise LedgerCorrupt(f"block {number} does not follow the one before")
            if number >= verified:
                self._verify_data(header)
            self.height, self.last_hash = number + 1, stored_hash
        stray = self._writer.execute(
            "SELECT place FROM envelope WHERE place >= ? LIMIT 1", (Version(self.height, 0).place,)
        ).fetchone()
        if stray is not None:
            raise LedgerCorrupt(f"a transaction stands above the last block, {self.height - 1}")
        self._set_meta("verified_height", self.height)

    def _verify_data(self, header: BlockHeader) -> None:
        rows = self._writer.execute(
            "SELECT data FROM envelope WHERE place >= ? AND place < ? ORDER BY place",
            (Version(header.number, 0).place, Version(header.number + 1, 0).place),
        )
        if data_hash([data for (data,) in rows]) != header.data_hash:
            raise LedgerCorrupt(f"the transactions of block {header.number} are not those that were hashed")

    def snapshot(self) -> Snapshot:
        """Return the newest snapshot; enter it to use it."""
        return self._pool.latest(self._lifecycle_height)

    async def commit(self, write: BlockWrite) -> None:
        """Write a block and what it changes; return when it is on the disk.

        Raises
        ------
        LedgerCorrupt
            If the block does not follow the last one.
        LedgerFailed
            If it cannot be written; nothing of it is there then.
        """
        if write.header.number != self.height or write.header.previous_hash != self.last_hash:
            raise LedgerCorrupt(f"block {write.header.number} does not follow block {self.height - 1}")
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._write, write)
        except sqlite3.Error as error:
            raise LedgerFailed(f"block {write.header.number} could not be written: {error}") from error
        self.height += 1
        self.last_hash = write.header.hash()
        if write.changes_lifecycle:
            self._lifecycle_height = self.height
        self._index.add(write.header.number, write.transaction_ids, write.codes)
        self._pool.outdate()
        async with self._condition:
            self._condition.notify_all()

    def _write(self, write: BlockWrite) -> None:
        run, many = self._writer.execute, self._writer.executemany
        header = write.header
        places = [Version(header.number, index).place for index in range(len(write.envelopes))]
        run("BEGIN IMMEDIATE")
        try:
            run(
                "INSERT INTO block VALUES (?, ?, ?, ?, ?)",
                (header.number, header.previous_hash, header.data_hash, header.hash(), write.signatures),
            )
            many(
                "INSERT INTO envelope VALUES (?, ?, ?)",
                zip(places, write.codes, write.envelopes, strict=True),
            )
            many(
                "INSERT OR IGNORE INTO tx VALUES (?, ?)",
                [
                    (name.encode(), place)
                    for name, place in zip(write.transaction_ids, places, strict=True)
                    if name
                ],
            )
            self._write_state(write.updates)
            self._write_private(write.private)
            many("INSERT INTO private_write VALUES (?, ?, ?, ?, ?, ?)", write.private_writes)
            many(
                "UPDATE private_write SET data = ? "
                "WHERE place = ? AND msp_id = ? AND namespace = ? AND collection = ?",
                [(data, *row) for row, data in write.replaced_private_writes.items()],
            )
            run("DELETE FROM private_write WHERE expires <= ?", (header.number,))
            run("DELETE FROM expiry WHERE block <= ?", (header.number,))
            many("INSERT OR IGNORE INTO expiry VALUES (?, ?, ?, ?, ?)", write.expiries)
            self._insert("INSERT OR IGNORE INTO history", write.history)
            many("INSERT OR IGNORE INTO private_history VALUES (?, ?, ?, ?)", write.private_history)
            if write.changes_lifecycle:
                self._set_meta("lifecycle_height", header.number + 1)
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise

    def _write_state(self, updates: UpdateBatch) -> None:
        puts: list[_Row] = []
        deletes: list[_Row] = []
        hashed_puts: list[_Row] = []
        hashed_deletes: list[_Row] = []
        for (namespace, collection, key), change in updates.changes.items():
            encoded = key.encode() if isinstance(key, str) else key
            name: _Row = (namespace, collection, encoded) if collection else (namespace, encoded)
            if change.value is None:
                (hashed_deletes if collection else deletes).append(name)
            else:
                row = (*name, change.version.place, change.metadata, change.value)
                (hashed_puts if collection else puts).append(row)
        many = self._writer.executemany
        self._insert("INSERT OR REPLACE INTO state", puts)
        many("DELETE FROM state WHERE namespace = ? AND key = ?", deletes)
        many("INSERT OR REPLACE INTO hashed_state VALUES (?, ?, ?, ?, ?, ?)", hashed_puts)
        many("DELETE FROM hashed_state WHERE namespace = ? AND collection = ? AND key = ?", hashed_deletes)

    def _insert(self, statement: str, rows: Sequence[_Row]) -> None:
        """Insert rows, hundreds a step: between steps the thread waits for its turn among all others."""
        for start in range(0, len(rows), _ROWS_A_STEP):
            part = rows[start : start + _ROWS_A_STEP]
            places = ",".join([f"({','.join('?' * len(part[0]))})"] * len(part))
            self._writer.execute(f"{statement} VALUES {places}", tuple(chain.from_iterable(part)))

    def _write_private(self, rows: Iterable[PrivateRow]) -> None:
        many = self._writer.executemany
        rows = list(rows)
        many(
            "INSERT OR REPLACE INTO private_state VALUES (?, ?, ?, ?, ?, ?, ?)",
            [row for row in rows if row[6] is not None],
        )
        many(
            "DELETE FROM private_state WHERE msp_id = ? AND namespace = ? AND collection = ? AND key = ?",
            [row[:4] for row in rows if row[6] is None],
        )

    async def save_package(
        self, msp_id: str, package_id: str, label: str, connection: str, data: bytes
    ) -> None:
        """Keep an installed chaincode package."""

        def save() -> None:
            self._writer.execute(
                "INSERT OR REPLACE INTO package VALUES (?, ?, ?, ?, ?)",
                (msp_id, package_id, label, connection, data),
            )

        await asyncio.get_running_loop().run_in_executor(self._thread, save)
        self._pool.outdate()

    async def wait_for(self, number: int) -> None:
        """Return when block `number` has been committed."""
        async with self._condition:
            await self._condition.wait_for(lambda: self.height > number)

    def block(self, number: int) -> common_pb2.Block | None:
        """Return a block with its metadata, None above the last one."""
        with self.snapshot() as snapshot:
            return snapshot.block(number)

    def close(self) -> None:
        """Finish the commit at work, then close the database."""
        self._thread.shutdown()
        self._pool.close()
        # Whoever still reads keeps the log from being folded into the database; the next start does it then.
        self._writer.execute("PRAGMA busy_timeout = 0")
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()
