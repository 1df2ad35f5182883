"""Concurrency: whether what a transaction read still stands, and what its writes make of the state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.range_query import RangeResults, read_of
from gridledger.network.devnet.rwset import NamespaceReadWrites, is_delete, is_hash_delete
from gridledger.network.devnet.snapshot import Snapshot
from gridledger.network.devnet.state import (
    StateKey,
    UpdateBatch,
    Version,
    VersionedKey,
    VersionedValue,
    write_metadata,
)

__all__ = ["apply_writes", "check_reads"]


def check_reads(
    read_write_set: Sequence[NamespaceReadWrites], snapshot: Snapshot, updates: UpdateBatch
) -> int:
    """Return VALID, MVCC_READ_CONFLICT or PHANTOM_READ_CONFLICT.

    Parameters
    ----------
    read_write_set : sequence of NamespaceReadWrites
        What the transaction read.
    snapshot : Snapshot
        The state before the block.
    updates : UpdateBatch
        What the block's earlier transactions changed.

    Notes
    -----
    O(log n) a read; a range query is made again over what it covered.
    """
    for part in read_write_set:
        for read in part.public.reads:
            if (part.name, "", read.key) in updates:
                return ValidationCode.MVCC_READ_CONFLICT
            if _version(snapshot.state(part.name, read.key)) != _read_version(read):
                return ValidationCode.MVCC_READ_CONFLICT
        for query in part.public.range_queries_info:
            if not _same_range(part.name, query, snapshot, updates):
                return ValidationCode.PHANTOM_READ_CONFLICT
        for collection in part.collections:
            for hashed in collection.hashed.hashed_reads:
                if (part.name, collection.name, bytes(hashed.key_hash)) in updates:
                    return ValidationCode.MVCC_READ_CONFLICT
                if _version(snapshot.hashed(part.name, collection.name, hashed.key_hash)) != _read_version(
                    hashed
                ):
                    return ValidationCode.MVCC_READ_CONFLICT
    return ValidationCode.VALID


def _version(found: VersionedValue | None) -> Version | None:
    return None if found is None else found.version


def _read_version(read: kv_rwset_pb2.KVRead | kv_rwset_pb2.KVReadHash) -> Version | None:
    return Version(read.version.block_num, read.version.tx_num) if read.HasField("version") else None


def _same_range(
    namespace: str, query: kv_rwset_pb2.RangeQueryInfo, snapshot: Snapshot, updates: UpdateBatch
) -> bool:
    """Tell whether a range query would see the same keys at the same versions now."""
    end = query.end_key.encode() or None
    if not query.itr_exhausted and end is not None:
        # The query stopped at its last result, which belongs to it; between a key and key\0 lies nothing.
        end += b"\0"
    found = _combined(namespace, query.start_key.encode(), end, snapshot, updates)
    if query.WhichOneof("reads_info") == "reads_merkle_hashes":
        degree = query.reads_merkle_hashes.max_degree
        if degree < 2:
            return False
        results = RangeResults(degree)
        for key in found:
            results.add(key.key, key.version)
        again = kv_rwset_pb2.RangeQueryInfo()
        results.finish(again)
        return bool(again.reads_merkle_hashes == query.reads_merkle_hashes)
    for read in query.raw_reads.kv_reads:
        again_key = next(found, None)
        if again_key is None or read_of(again_key.key, again_key.version) != read:
            return False
    return next(found, None) is None


def _combined(
    namespace: str, start: bytes, end: bytes | None, snapshot: Snapshot, updates: UpdateBatch
) -> Iterator[VersionedKey]:
    """Yield a range's keys as they are after the block's earlier transactions."""
    changed = updates.range(namespace, start, end)
    new = next(changed, None)
    for old in snapshot.range(namespace, start, end):
        encoded = old.key.encode()
        while new is not None and new[0] < encoded:
            yield from _changed(namespace, new[1], updates)
            new = next(changed, None)
        if new is not None and new[0] == encoded:
            yield from _changed(namespace, new[1], updates)
            new = next(changed, None)
        else:
            yield old
    while new is not None:
        yield from _changed(namespace, new[1], updates)
        new = next(changed, None)


def _changed(namespace: str, key: str, updates: UpdateBatch) -> Iterator[VersionedKey]:
    change = updates.get((namespace, "", key))
    if change is not None and change.value is not None:
        yield VersionedKey(key, change.value, change.version)


def apply_writes(
    read_write_set: Sequence[NamespaceReadWrites], snapshot: Snapshot, updates: UpdateBatch, version: Version
) -> None:
    """Add a valid transaction's writes to the block's changes.

    Parameters
    ----------
    read_write_set : sequence of NamespaceReadWrites
        What it writes.
    snapshot : Snapshot
        The state before the block.
    updates : UpdateBatch
        The block's changes so far; changed.
    version : Version
        Where the transaction stands.
    """
    values: dict[StateKey, bytes | None] = {}
    metadata: dict[StateKey, bytes | None] = {}
    for part in read_write_set:
        for write in part.public.writes:
            values[part.name, "", write.key] = None if is_delete(write) else bytes(write.value)
        for change in part.public.metadata_writes:
            metadata[part.name, "", change.key] = (
                write_metadata(list(change.entries)) if change.entries else None
            )
        for collection in part.collections:
            for hashed in collection.hashed.hashed_writes:
                value = None if is_hash_delete(hashed) else bytes(hashed.value_hash)
                values[part.name, collection.name, bytes(hashed.key_hash)] = value
            for change in collection.hashed.metadata_writes:
                entries = write_metadata(list(change.entries)) if change.entries else None
                metadata[part.name, collection.name, bytes(change.key_hash)] = entries
    # What is looked up is the state before this transaction, also where it writes a key twice over.
    changes: dict[StateKey, VersionedValue] = {}
    for key, new in values.items():
        if new is None:
            changes[key] = VersionedValue(None, None, version)
        else:
            kept = metadata[key] if key in metadata else _latest_metadata(key, snapshot, updates)
            changes[key] = VersionedValue(new, kept, version)
    for key, new_metadata in metadata.items():
        if key in values:
            continue
        latest = _latest(key, snapshot, updates)
        # Metadata of a key that is not there has no effect.
        if latest is not None and latest.value is not None:
            changes[key] = VersionedValue(latest.value, new_metadata, version)
    for key, change in changes.items():
        updates.put(key, change)


def _latest(key: StateKey, snapshot: Snapshot, updates: UpdateBatch) -> VersionedValue | None:
    change = updates.get(key)
    if change is not None:
        return change
    namespace, collection, name = key
    if isinstance(name, bytes):
        return snapshot.hashed(namespace, collection, name)
    return snapshot.state(namespace, name)


def _latest_metadata(key: StateKey, snapshot: Snapshot, updates: UpdateBatch) -> bytes | None:
    latest = _latest(key, snapshot, updates)
    return None if latest is None else latest.metadata
