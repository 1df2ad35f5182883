"""State as the ledger keeps it: values with their versions, and the changes that one block makes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2

__all__ = [
    "StateKey",
    "UpdateBatch",
    "Version",
    "VersionedKey",
    "VersionedValue",
    "read_metadata",
    "write_metadata",
]


_TRANSACTION_BITS = 20


class Version(NamedTuple):
    """Where a value was written: block and place in it."""

    block: int
    transaction: int

    @property
    def place(self) -> int:
        """Both in one number that orders as they do; tables keep that."""
        return self.block << _TRANSACTION_BITS | self.transaction

    @classmethod
    def from_place(cls, place: int) -> Version:
        """Return the version that `place` was made from."""
        return cls(place >> _TRANSACTION_BITS, place & ((1 << _TRANSACTION_BITS) - 1))


class VersionedValue(NamedTuple):
    """A value with its key's metadata; `value` is None where the key was deleted."""

    value: bytes | None
    metadata: bytes | None
    version: Version


class VersionedKey(NamedTuple):
    """A key that a range query meets."""

    key: str
    value: bytes
    version: Version


StateKey: TypeAlias = "tuple[str, str, str | bytes]"
"""Namespace, collection (empty for public state), key (of a collection: the hash of the key)."""


def read_metadata(data: bytes | None) -> dict[str, bytes]:
    """Return a key's metadata by name."""
    if not data:
        return {}
    return {entry.name: entry.value for entry in kv_rwset_pb2.KVMetadataWrite.FromString(data).entries}


def write_metadata(entries: list[kv_rwset_pb2.KVMetadataEntry]) -> bytes:
    """Return metadata as it is stored."""
    return bytes(kv_rwset_pb2.KVMetadataWrite(entries=entries).SerializeToString())


class UpdateBatch:
    """What the valid transactions of a block have changed so far, public and hashed."""

    def __init__(self) -> None:
        self.changes: dict[StateKey, VersionedValue] = {}
        self._sorted: dict[str, list[tuple[bytes, str]]] = {}

    def __contains__(self, key: StateKey) -> bool:
        return key in self.changes

    def get(self, key: StateKey) -> VersionedValue | None:
        """Return the change of a key; a deletion is a value None."""
        return self.changes.get(key)

    def put(self, key: StateKey, value: VersionedValue) -> None:
        """Set or, with a value None, delete a key."""
        self.changes[key] = value
        if not key[1]:
            self._sorted.pop(key[0], None)

    def range(self, namespace: str, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, str]]:
        """Yield the changed public keys from `start` up to before `end`, in order, as bytes and text."""
        keys = self._sorted.get(namespace)
        if keys is None:
            keys = sorted(
                (key.encode(), key)
                for space, collection, key in self.changes
                if space == namespace and not collection and isinstance(key, str)
            )
            self._sorted[namespace] = keys
        first = bisect_left(keys, (start, ""))
        for encoded, key in keys[first:]:
            if end is not None and encoded >= end:
                return
            yield encoded, key
