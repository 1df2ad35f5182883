"""Private data: who gets it at endorsement, who keeps it at commit, and when it goes."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from gridledger.network.devnet.channel import Channel
from gridledger.network.devnet.definition import Collection, Definitions
from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.ledger import BlockWrite, PrivateRow
from gridledger.network.devnet.organisation import Organisation
from gridledger.network.devnet.rwset import (
    NamespaceReadWrites,
    hash_of,
    is_delete,
    is_hash_delete,
    parse_private,
)
from gridledger.network.devnet.snapshot import Snapshot
from gridledger.network.devnet.state import Version, VersionedValue

__all__ = ["PrivateData", "TransientStore"]

_RETENTION_BLOCKS: Final = 20_000
"""Private data whose transaction never came is forgotten after so many blocks."""


class TransientStore:
    """Private data between endorsement and commit, by transaction.

    Parameters
    ----------
    path : Path
        The database file.

    Notes
    -----
    It survives kill -9, as the system has the written pages; after a power cut a transaction that was
    endorsed before and is ordered after it commits without its private data.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS private (txid TEXT, msp_id TEXT, namespace TEXT, collection TEXT, "
            "hash BLOB, "
            "height INTEGER, data BLOB, PRIMARY KEY (txid, msp_id, namespace, collection, hash)) WITHOUT "
            "ROWID"
        )

    def put(self, transaction_id: str, rows: Sequence[tuple[str, str, str, bytes]], height: int) -> None:
        """Keep private writes for organisations: (MSP, namespace, collection, serialised writes)."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO private VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (transaction_id, msp_id, namespace, collection, hashlib.sha256(data).digest(), height, data)
                for msp_id, namespace, collection, data in rows
            ],
        )

    def get(
        self, transaction_id: str, msp_id: str, namespace: str, collection: str, digest: bytes
    ) -> bytes | None:
        """Return the private writes with a hash that an organisation was given."""
        row = self._connection.execute(
            "SELECT data FROM private WHERE txid = ? AND msp_id = ? AND namespace = ? AND collection = ? AND "
            "hash = ?",
            (transaction_id, msp_id, namespace, collection, digest),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def forget(self, transaction_ids: Sequence[str], height: int) -> None:
        """Remove what was committed, and what was endorsed long ago."""
        if transaction_ids:
            self._connection.executemany(
                "DELETE FROM private WHERE txid = ?", [(name,) for name in transaction_ids]
            )
        if height % 100 == 0:
            self._connection.execute("DELETE FROM private WHERE height < ?", (height - _RETENTION_BLOCKS,))

    def close(self) -> None:
        """Close the database."""
        self._connection.close()


class PrivateData:
    """The private data of all organisations.

    Parameters
    ----------
    channel : Channel
        Tells members from others.
    definitions : Definitions
        The collections.
    organisations : mapping of str to Organisation
        By MSP.
    transient : TransientStore
        Where data waits for its transaction.
    """

    def __init__(
        self,
        channel: Channel,
        definitions: Definitions,
        organisations: Mapping[str, Organisation],
        transient: TransientStore,
    ) -> None:
        self._channel = channel
        self._definitions = definitions
        self._organisations = organisations
        self._transient = transient

    def _members(self, collection: Collection) -> list[str]:
        return [
            msp_id
            for msp_id, organisation in self._organisations.items()
            if self._channel.member(organisation.identity, collection.members)
        ]

    def distribute(
        self, endorser: str, transaction_id: str, private: Mapping[tuple[str, str], bytes], snapshot: Snapshot
    ) -> None:
        """Give private writes to the endorser and to the members of their collections.

        Parameters
        ----------
        endorser : str
            MSP of the organisation that simulated.
        transaction_id : str
            The transaction.
        private : mapping of (str, str) to bytes
            Namespace and collection to serialised writes.
        snapshot : Snapshot
            What was simulated on.

        Raises
        ------
        Refused
            If fewer other members are there than the collection requires.
        """
        rows = []
        for (namespace, name), data in private.items():
            collection = (self._definitions.collections(snapshot, namespace) or {}).get(name)
            if collection is None:
                raise Refused(f'error in simulation: no collection config for chaincode "{namespace}"')
            members = self._members(collection)
            others = [msp_id for msp_id in members if msp_id != endorser]
            if len(others) < collection.required_peer_count:
                raise Refused(
                    "error in simulation: could not build private data dissemination plan for chaincode "
                    f"{namespace} and collection {name}: required to disseminate to at least "
                    f"{collection.required_peer_count} peers, but know of only {len(others)} eligible peers"
                )
            # As a peer does, the endorser keeps what it simulated until the transaction comes, member or not.
            rows += [(msp_id, namespace, name, data) for msp_id in {endorser, *members}]
        self._transient.put(transaction_id, rows, snapshot.height)

    def collect(
        self,
        write: BlockWrite,
        snapshot: Snapshot,
        transactions: Sequence[tuple[int, str, tuple[NamespaceReadWrites, ...]]],
    ) -> None:
        """Add what organisations keep of valid transactions' private data to a block's writes.

        Parameters
        ----------
        write : BlockWrite
            With the block's changes to the hashed state.
        snapshot : Snapshot
            The state before the block.
        transactions : sequence of (int, str, tuple)
            Place in the block, id and read-write set of every valid transaction, in order.
        """
        changes: dict[tuple[str, str, str, str], VersionedValue] = {}
        touched: dict[tuple[str, str, str, str], None] = {}
        number = write.header.number
        for index, transaction_id, read_write_set in transactions:
            version = Version(number, index)
            for namespace in read_write_set:
                for part in namespace.collections:
                    if not part.writes:
                        continue
                    collection = (self._definitions.collections(snapshot, namespace.name) or {}).get(
                        part.name
                    )
                    if collection is None:
                        continue
                    expires = number + collection.block_to_live + 1 if collection.block_to_live else None
                    for written in part.hashed.hashed_writes:
                        name = (namespace.name, part.name, written.key_hash)
                        write.private_history.append((*name, version.place))
                        if expires is not None and not is_hash_delete(written):
                            write.expiries.append((expires, *name, number))
                    for msp_id in self._members(collection):
                        data = self._transient.get(
                            transaction_id, msp_id, namespace.name, part.name, part.private_hash
                        )
                        write.private_writes.append(
                            (version.place, msp_id, namespace.name, part.name, expires, data)
                        )
                        if data is None:
                            continue
                        private = parse_private(data)
                        for entry in private.writes:
                            value = None if is_delete(entry) else bytes(entry.value)
                            changes[msp_id, namespace.name, part.name, entry.key] = VersionedValue(
                                value, None, version
                            )
                        for entry in private.metadata_writes:
                            touched[msp_id, namespace.name, part.name, entry.key] = None
        self._raise_versions(write, snapshot, changes, touched)
        self._expire(write, snapshot, changes)
        self._purge(write, snapshot, changes, transactions)
        write.private.extend(_row(name, value) for name, value in changes.items())

    def _raise_versions(
        self,
        write: BlockWrite,
        snapshot: Snapshot,
        changes: dict[tuple[str, str, str, str], VersionedValue],
        touched: Mapping[tuple[str, str, str, str], None],
    ) -> None:
        """Keep a private value at its hash's version where a transaction changed the key's metadata alone."""
        for name in touched:
            msp_id, namespace, collection, key = name
            hashed = write.updates.get((namespace, collection, hash_of(key)))
            latest = changes.get(name) or snapshot.private(msp_id, namespace, collection, key)
            if hashed is None or latest is None or latest.value is None or latest.version == hashed.version:
                continue
            if hashlib.sha256(latest.value).digest() == hashed.value:
                changes[name] = VersionedValue(latest.value, None, hashed.version)

    def _expire(
        self, write: BlockWrite, snapshot: Snapshot, changes: dict[tuple[str, str, str, str], VersionedValue]
    ) -> None:
        """Delete the values, and their hashes, whose time ends with this block."""
        number = write.header.number
        gone = VersionedValue(None, None, Version(number, 0))
        for namespace, collection, key_hash, written in snapshot.expiring(number):
            current = snapshot.hashed(namespace, collection, key_hash)
            name = (namespace, collection, key_hash)
            if current is not None and current.version.block == written and name not in write.updates:
                write.updates.put(name, gone)
            for msp_id, key, version in snapshot.holders(namespace, collection, key_hash):
                if version.block == written:
                    changes.setdefault((msp_id, namespace, collection, key), gone)

    def _purge(
        self,
        write: BlockWrite,
        snapshot: Snapshot,
        changes: dict[tuple[str, str, str, str], VersionedValue],
        transactions: Sequence[tuple[int, str, tuple[NamespaceReadWrites, ...]]],
    ) -> None:
        """Take purged keys out of the private writes of all blocks, and out of their holders' state."""
        number = write.header.number
        for index, _, read_write_set in transactions:
            version = Version(number, index)
            for namespace in read_write_set:
                for part in namespace.collections:
                    hashes = {bytes(entry.key_hash) for entry in part.hashed.hashed_writes if entry.is_purge}
                    for key_hash in hashes:
                        self._purge_key(
                            write, snapshot, changes, (namespace.name, part.name, key_hash), version
                        )

    def _purge_key(
        self,
        write: BlockWrite,
        snapshot: Snapshot,
        changes: dict[tuple[str, str, str, str], VersionedValue],
        name: tuple[str, str, bytes],
        version: Version,
    ) -> None:
        namespace, collection, key_hash = name
        gone = VersionedValue(None, None, version)
        for msp_id, key, _ in snapshot.holders(namespace, collection, key_hash):
            changes.setdefault((msp_id, namespace, collection, key), gone)
        for held, value in changes.items():
            if held[1:3] == name[:2] and value.version < version and hash_of(held[3]) == key_hash:
                changes[held] = gone
        for place, msp_id, data in snapshot.private_writes_to(namespace, collection, key_hash):
            row = (place, msp_id, namespace, collection)
            # Several keys of one set may be purged in one block: go on from what the last one left.
            write.replaced_private_writes[row] = _without(
                write.replaced_private_writes.get(row, data), key_hash
            )
        for position, entry in enumerate(write.private_writes):
            written = entry[5]
            if written is not None and entry[0] < version.place and entry[2:4] == name[:2]:
                write.private_writes[position] = (*entry[:5], _without(written, key_hash))

    def forget(self, transaction_ids: Sequence[str], height: int) -> None:
        """Drop what waited for transactions that are committed now."""
        self._transient.forget(transaction_ids, height)


def _row(name: tuple[str, str, str, str], value: VersionedValue) -> PrivateRow:
    msp_id, namespace, collection, key = name
    return (msp_id, namespace, collection, key.encode(), hash_of(key), value.version.place, value.value)


def _without(data: bytes, key_hash: bytes) -> bytes:
    """Return serialised private writes without those of a key."""
    private = parse_private(data)
    kept = [entry for entry in private.writes if hash_of(entry.key) != key_hash]
    del private.writes[:]
    private.writes.extend(kept)
    return bytes(private.SerializeToString())
