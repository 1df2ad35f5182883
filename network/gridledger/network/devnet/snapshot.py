"""A snapshot: the ledger as it was after one block, for as long as somebody looks at it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self
from weakref import WeakSet

from fabric_protos.common import common_pb2

from gridledger.network.devnet import block
from gridledger.network.devnet.state import Version, VersionedKey, VersionedValue
from gridledger.network.devnet.transaction_index import Committed, TransactionIndex

__all__ = ["Snapshot", "SnapshotPool"]

_HEIGHT = "SELECT coalesce(max(number) + 1, 0) FROM block"
_STATE = "SELECT value, metadata, place FROM state WHERE namespace = ? AND key = ?"
_STATES = "SELECT key, value, metadata, place FROM state WHERE namespace = ? AND key IN ({})"
_HASHED = "SELECT value, metadata, place FROM hashed_state WHERE namespace = ? AND collection = ? AND key = ?"
_PRIVATE = (
    "SELECT value, place FROM private_state WHERE msp_id = ? AND namespace = ? AND collection = ? AND key = ?"
)
_RANGE = "SELECT key, value, place FROM state WHERE namespace = ? AND key >= ? AND key < ? ORDER BY key"
_RANGE_OPEN = "SELECT key, value, place FROM state WHERE namespace = ? AND key >= ? ORDER BY key"
_PRIVATE_RANGE = (
    "SELECT key, value, place FROM private_state "
    "WHERE msp_id = ? AND namespace = ? AND collection = ? AND key >= ? AND key < ? ORDER BY key"
)
_PRIVATE_RANGE_OPEN = (
    "SELECT key, value, place FROM private_state "
    "WHERE msp_id = ? AND namespace = ? AND collection = ? AND key >= ? ORDER BY key"
)
_HISTORY = "SELECT place FROM history WHERE namespace = ? AND key = ? ORDER BY place DESC"
_KEPT_BYTES = 32 * 1024 * 1024
_KEY_BYTES = 256
"""What a snapshot keeps of what was read: values, and about as much for each key, also where nothing is."""
_KEYS_A_QUERY = 500


class Snapshot:
    """Reads that all see the ledger at one height, whatever is committed meanwhile.

    Parameters
    ----------
    pool : SnapshotPool
        Takes the connection back when the last user is done.
    connection : sqlite3.Connection
        A read transaction begins on it.
    index : TransactionIndex
        Which transactions are committed.
    lifecycle_height : int
        Height after the last block that changed a chaincode definition; what is derived from definitions is
        kept by it.

    Notes
    -----
    SQLite's write-ahead log gives every reader the state at the begin of its transaction. Simulations that
    start between the same two blocks share a snapshot. Enter it to use it.
    """

    def __init__(
        self,
        pool: SnapshotPool,
        connection: sqlite3.Connection,
        index: TransactionIndex,
        lifecycle_height: int,
    ) -> None:
        self._pool = pool
        self._index = index
        self._read: dict[tuple[str, str], VersionedValue | None] = {}
        self._kept_bytes = 0
        self._connection = connection
        self._users = 0
        self._cursors: WeakSet[sqlite3.Cursor] = WeakSet()
        self.current = True
        connection.execute("BEGIN")
        self.height: int = connection.execute(_HEIGHT).fetchone()[0]
        self.lifecycle_height = lifecycle_height

    def __enter__(self) -> Self:
        self._users += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        self.release()

    def release(self) -> None:
        """Give the connection back if nobody uses the snapshot and a newer block was committed."""
        if self._users == 0 and not self.current:
            # A query that nobody read to its end would hold on to this state, also for the next user.
            for cursor in self._cursors:
                cursor.close()
            self._connection.execute("COMMIT")
            self._pool.give_back(self._connection)

    def _query(self, query: str, parameters: tuple[object, ...]) -> sqlite3.Cursor:
        """Return the rows of a query that is read step by step."""
        cursor = self._connection.execute(query, parameters)
        self._cursors.add(cursor)
        return cursor

    def state(self, namespace: str, key: str) -> VersionedValue | None:
        """Return a public key's value."""
        name = (namespace, key)
        # Endorsers of one transaction, and its validation, read the same keys, mostly before the next block.
        if name in self._read:
            return self._read[name]
        row = self._connection.execute(_STATE, (namespace, key.encode())).fetchone()
        found = None if row is None else VersionedValue(row[0], row[1], Version.from_place(row[2]))
        self._keep(name, found)
        return found

    def states(self, namespace: str, keys: Iterable[str]) -> dict[str, VersionedValue]:
        """Return the values of those public keys that are there; hundreds of them in one query."""
        read = self._read
        found: dict[str, VersionedValue] = {}
        missing: dict[bytes, str] = {}
        for key in keys:
            if (namespace, key) not in read:
                missing[key.encode()] = key
            elif (kept := read[namespace, key]) is not None:
                found[key] = kept
        encoded = list(missing)
        for start in range(0, len(encoded), _KEYS_A_QUERY):
            part = encoded[start : start + _KEYS_A_QUERY]
            query = _STATES.format(",".join("?" * len(part)))
            for name, value, metadata, place in self._connection.execute(query, (namespace, *part)):
                found[missing[name]] = VersionedValue(value, metadata, Version.from_place(place))
        for key in missing.values():
            self._keep((namespace, key), found.get(key))
        return found

    def _keep(self, name: tuple[str, str], found: VersionedValue | None) -> None:
        size = _KEY_BYTES + (len(found.value) if found is not None and found.value is not None else 0)
        if self._kept_bytes + size <= _KEPT_BYTES:
            self._kept_bytes += size
            self._read[name] = found

    def hashed(self, namespace: str, collection: str, key_hash: bytes) -> VersionedValue | None:
        """Return the hash of a private key's value, by the hash of the key."""
        row = self._connection.execute(_HASHED, (namespace, collection, key_hash)).fetchone()
        return None if row is None else VersionedValue(row[0], row[1], Version.from_place(row[2]))

    def private(self, msp_id: str, namespace: str, collection: str, key: str) -> VersionedValue | None:
        """Return a private key's value as the organisation `msp_id` holds it."""
        row = self._connection.execute(_PRIVATE, (msp_id, namespace, collection, key.encode())).fetchone()
        return None if row is None else VersionedValue(row[0], None, Version.from_place(row[1]))

    def range(self, namespace: str, start: bytes, end: bytes | None) -> Iterator[VersionedKey]:
        """Yield the public keys from `start` up to before `end` (None: to the last), in bytewise order."""
        if end is None:
            rows = self._query(_RANGE_OPEN, (namespace, start))
        else:
            rows = self._query(_RANGE, (namespace, start, end))
        return (VersionedKey(key.decode(), value, Version.from_place(place)) for key, value, place in rows)

    def private_range(
        self, msp_id: str, namespace: str, collection: str, start: bytes, end: bytes | None
    ) -> Iterator[VersionedKey]:
        """Yield the private keys that the organisation `msp_id` holds, in bytewise order."""
        if end is None:
            rows = self._query(_PRIVATE_RANGE_OPEN, (msp_id, namespace, collection, start))
        else:
            rows = self._query(_PRIVATE_RANGE, (msp_id, namespace, collection, start, end))
        return (VersionedKey(key.decode(), value, Version.from_place(place)) for key, value, place in rows)

    def history(self, namespace: str, key: str) -> Iterator[tuple[Version, bytes]]:
        """Yield where a key was written and the envelope that did it, newest first."""
        for (place,) in self._query(_HISTORY, (namespace, key.encode())):
            row = self._connection.execute("SELECT data FROM envelope WHERE place = ?", (place,)).fetchone()
            yield Version.from_place(place), row[0]

    def block_hash(self, number: int) -> bytes | None:
        """Return the hash of a block's header."""
        row = self._connection.execute("SELECT hash FROM block WHERE number = ?", (number,)).fetchone()
        return None if row is None else bytes(row[0])

    def block_number(self, block_hash: bytes) -> int | None:
        """Return the number of the block with a hash."""
        row = self._connection.execute("SELECT number FROM block WHERE hash = ?", (block_hash,)).fetchone()
        return None if row is None else int(row[0])

    def block(self, number: int) -> common_pb2.Block | None:
        """Return a block with its metadata."""
        row = self._connection.execute(
            "SELECT previous_hash, data_hash, signatures FROM block WHERE number = ?", (number,)
        ).fetchone()
        if row is None:
            return None
        rows = self.envelopes(number)
        header = block.BlockHeader(number, row[0], row[1])
        return block.assemble(header, [data for _, data in rows], row[2], bytes(code for code, _ in rows))

    def envelopes(self, number: int) -> list[tuple[int, bytes]]:
        """Return the validation codes and envelopes of a block's transactions, in order."""
        first, after = Version(number, 0).place, Version(number + 1, 0).place
        return self._connection.execute(
            "SELECT code, data FROM envelope WHERE place >= ? AND place < ? ORDER BY place", (first, after)
        ).fetchall()

    def transaction(self, transaction_id: str) -> Committed | None:
        """Return where a transaction stands and its validation code."""
        return self._index.find(self._connection, transaction_id, self.height)

    def envelope(self, version: Version) -> bytes:
        """Return the envelope that stands at a place."""
        row = self._connection.execute(
            "SELECT data FROM envelope WHERE place = ?", (version.place,)
        ).fetchone()
        return bytes(row[0])

    def expiring(self, number: int) -> list[tuple[str, str, bytes, int]]:
        """Return what expires with a block: namespace, collection, hash of the key, block that wrote it."""
        return self._connection.execute(
            "SELECT namespace, collection, key, written FROM expiry WHERE block <= ?", (number,)
        ).fetchall()

    def holders(self, namespace: str, collection: str, key_hash: bytes) -> list[tuple[str, str, Version]]:
        """Return who holds the private value behind a key's hash: MSP, key, version."""
        rows = self._connection.execute(
            "SELECT msp_id, key, place FROM private_state WHERE namespace = ? AND collection = ? AND "
            "key_hash = ?",
            (namespace, collection, key_hash),
        )
        return [(msp_id, key.decode(), Version.from_place(place)) for msp_id, key, place in rows]

    def private_writes_to(
        self, namespace: str, collection: str, key_hash: bytes
    ) -> list[tuple[int, str, bytes]]:
        """Return the private writes that a key's hash occurs in: place, MSP, serialised writes."""
        return self._connection.execute(
            "SELECT place, msp_id, data FROM private_history JOIN private_write USING (place, namespace, "
            "collection) "
            "WHERE namespace = ? AND collection = ? AND key = ? AND data IS NOT NULL",
            (namespace, collection, key_hash),
        ).fetchall()

    def private_writes(self, msp_id: str, number: int) -> list[tuple[Version, str, str, bytes]]:
        """Return what an organisation holds of a block: place, namespace, collection, private writes."""
        rows = self._connection.execute(
            "SELECT place, namespace, collection, data FROM private_write "
            "WHERE place >= ? AND place < ? AND msp_id = ? AND data IS NOT NULL ORDER BY place, namespace, "
            "collection",
            (Version(number, 0).place, Version(number + 1, 0).place, msp_id),
        )
        return [
            (Version.from_place(place), namespace, collection, data)
            for place, namespace, collection, data in rows
        ]

    def packages(self, msp_id: str) -> list[tuple[str, str, str]]:
        """Return the packages that an organisation installed: id, label, connection."""
        return self._connection.execute(
            "SELECT package_id, label, connection FROM package WHERE msp_id = ? ORDER BY package_id",
            (msp_id,),
        ).fetchall()

    def package(self, msp_id: str, package_id: str) -> bytes | None:
        """Return an installed package's file."""
        row = self._connection.execute(
            "SELECT data FROM package WHERE msp_id = ? AND package_id = ?", (msp_id, package_id)
        ).fetchone()
        return None if row is None else bytes(row[0])


class SnapshotPool:
    """The read connections of one ledger.

    Parameters
    ----------
    uri : str
        The database.
    index : TransactionIndex
        Which transactions are committed.
    """

    def __init__(self, uri: str, index: TransactionIndex) -> None:
        self._uri = uri
        self._index = index
        self._idle: list[sqlite3.Connection] = []
        self._all: set[sqlite3.Connection] = set()
        self._latest: Snapshot | None = None

    def latest(self, lifecycle_height: int) -> Snapshot:
        """Return the newest snapshot."""
        if self._latest is None:
            self._latest = Snapshot(self, self._take(), self._index, lifecycle_height)
        return self._latest

    def outdate(self) -> None:
        """Note that a block was committed: who comes next gets a new snapshot."""
        latest, self._latest = self._latest, None
        if latest is not None:
            latest.current = False
            latest.release()

    def _take(self) -> sqlite3.Connection:
        if self._idle:
            return self._idle.pop()
        connection = sqlite3.connect(self._uri, uri=True, isolation_level=None, cached_statements=64)
        connection.execute("PRAGMA query_only = ON")
        self._all.add(connection)
        return connection

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Keep a connection for the next snapshot."""
        self._idle.append(connection)

    def close(self) -> None:
        """Close every connection; snapshots in use end with it."""
        for connection in self._all:
            connection.close()
        self._all.clear()
        self._idle.clear()
        self._latest = None
