"""Read-write sets: what a transaction read, at which versions, and what it would write, in Fabric's form."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.errors import Malformed
from gridledger.network.devnet.state import Version

__all__ = [
    "CollectionReadWrites",
    "NamespaceReadWrites",
    "ReadWriteSetBuilder",
    "SimulationResult",
    "hash_of",
    "is_delete",
    "is_hash_delete",
    "parse_private",
    "parse_read_write_set",
]

# Tags of what is written by hand: number of the field, wire type. Of KVRWSet, KVRead and KVWrite, Version.
_READS, _WRITES = b"\x0a", b"\x1a"
_KEY, _VERSION, _IS_DELETE, _VALUE = b"\x0a", b"\x12", b"\x10\x01", b"\x1a"
_BLOCK, _PLACE = b"\x08", b"\x10"
_SMALL = tuple(bytes([value]) for value in range(0x80))
_HASH_OF_NOTHING = hashlib.sha256(b"").digest()


def hash_of(key: str) -> bytes:
    """Return the hash that a private key goes by in public."""
    return hashlib.sha256(key.encode()).digest()


def is_delete(write: kv_rwset_pb2.KVWrite) -> bool:
    """Tell whether a write deletes its key; an empty value does."""
    return bool(write.is_delete or not write.value)


def is_hash_delete(write: kv_rwset_pb2.KVWriteHash) -> bool:
    """Tell whether a hashed write deletes its key."""
    return bool(write.is_delete or not write.value_hash or write.value_hash == _HASH_OF_NOTHING)


@dataclass(slots=True)
class _Collection:
    reads: dict[str, Version | None] = field(default_factory=dict)
    writes: dict[str, tuple[bytes, bool]] = field(default_factory=dict)
    metadata: dict[str, Mapping[str, bytes]] = field(default_factory=dict)


@dataclass(slots=True)
class _Namespace:
    reads: dict[str, Version | None] = field(default_factory=dict)
    writes: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    ranges: dict[tuple[str, str, bool], kv_rwset_pb2.RangeQueryInfo] = field(default_factory=dict)
    collections: dict[str, _Collection] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """A simulation's outcome.

    Parameters
    ----------
    public : bytes
        Serialised `TxReadWriteSet`.
    private : dict
        Namespace and collection to serialised `KVRWSet` with the private writes.
    namespaces : tuple of str
        The namespaces that stand in `public`.
    """

    public: bytes
    private: dict[tuple[str, str], bytes]
    namespaces: tuple[str, ...]


class ReadWriteSetBuilder:
    """Collects reads and writes; the last one of a key counts."""

    def __init__(self) -> None:
        self._namespaces: dict[str, _Namespace] = {}

    def _namespace(self, name: str) -> _Namespace:
        namespace = self._namespaces.get(name)
        if namespace is None:
            namespace = self._namespaces[name] = _Namespace()
        return namespace

    def _collection(self, namespace: str, name: str) -> _Collection:
        return self._namespace(namespace).collections.setdefault(name, _Collection())

    def read(self, namespace: str, key: str, version: Version | None) -> None:
        """Note a read of a public key."""
        self._namespace(namespace).reads[key] = version

    def write(self, namespace: str, key: str, value: bytes) -> None:
        """Note a write of a public key; an empty value deletes it."""
        self._namespace(namespace).writes[key] = value

    def write_metadata(self, namespace: str, key: str, metadata: Mapping[str, bytes]) -> None:
        """Note new metadata of a public key."""
        self._namespace(namespace).metadata[key] = metadata

    def range(self, namespace: str, info: kv_rwset_pb2.RangeQueryInfo) -> None:
        """Note a range query; one with the same bounds as an earlier one is left out."""
        name = (info.start_key, info.end_key, info.itr_exhausted)
        self._namespace(namespace).ranges.setdefault(name, info)

    def read_hashed(self, namespace: str, collection: str, key: str, version: Version | None) -> None:
        """Note a read of a private key."""
        self._collection(namespace, collection).reads[key] = version

    def write_private(
        self, namespace: str, collection: str, key: str, value: bytes, *, purge: bool = False
    ) -> None:
        """Note a write of a private key; an empty value deletes it, `purge` takes its past values, too."""
        self._collection(namespace, collection).writes[key] = (value, purge)

    def write_private_metadata(
        self, namespace: str, collection: str, key: str, metadata: Mapping[str, bytes]
    ) -> None:
        """Note new metadata of a private key."""
        self._collection(namespace, collection).metadata[key] = metadata

    def build(self) -> SimulationResult:
        """Return the sets, sorted, so that equal sets are equal bytes."""
        public = rwset_pb2.TxReadWriteSet(data_model=rwset_pb2.TxReadWriteSet.DataModel.KV)
        private: dict[tuple[str, str], bytes] = {}
        for name in sorted(self._namespaces):
            namespace = self._namespaces[name]
            entry = public.ns_rwset.add(namespace=name, rwset=_public_bytes(namespace))
            for collection_name in sorted(namespace.collections):
                collection = namespace.collections[collection_name]
                hashed = entry.collection_hashed_rwset.add(
                    collection_name=collection_name, hashed_rwset=_hashed_bytes(collection)
                )
                if collection.writes or collection.metadata:
                    data = _private_bytes(collection)
                    private[name, collection_name] = data
                    hashed.pvt_rwset_hash = hashlib.sha256(data).digest()
        return SimulationResult(public.SerializeToString(), private, tuple(sorted(self._namespaces)))


def _public_bytes(namespace: _Namespace) -> bytes:
    """Write a `KVRWSet`; reads and writes by hand, since a batch has thousands of them."""
    parts: list[bytes] = []
    for key in sorted(namespace.reads):
        parts += _member(_READS, _read_bytes(key, namespace.reads[key]))
    queries = kv_rwset_pb2.KVRWSet(range_queries_info=list(namespace.ranges.values()))
    parts.append(queries.SerializeToString())
    for key in sorted(namespace.writes):
        parts += _member(_WRITES, _write_bytes(key, namespace.writes[key]))
    metadata = kv_rwset_pb2.KVRWSet(
        metadata_writes=[
            kv_rwset_pb2.KVMetadataWrite(key=key, entries=_entries(namespace.metadata[key]))
            for key in sorted(namespace.metadata)
        ]
    )
    parts.append(metadata.SerializeToString())
    return b"".join(parts)


def _read_bytes(key: str, version: Version | None) -> bytes:
    name = key.encode()
    parts = _member(_KEY, name) if name else ()
    if version is None:
        return b"".join(parts)
    block, transaction = version
    height = (_BLOCK + _varint(block) if block else b"") + (
        _PLACE + _varint(transaction) if transaction else b""
    )
    return b"".join((*parts, *_member(_VERSION, height)))


def _write_bytes(key: str, value: bytes) -> bytes:
    name = key.encode()
    parts = _member(_KEY, name) if name else ()
    return b"".join((*parts, *(_member(_VALUE, value) if value else (_IS_DELETE,))))


def _member(tag: bytes, data: bytes) -> tuple[bytes, bytes, bytes]:
    return tag, _varint(len(data)), data


def _varint(value: int) -> bytes:
    if value < 0x80:
        return _SMALL[value]
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _hashed_bytes(collection: _Collection) -> bytes:
    message = kv_rwset_pb2.HashedRWSet()
    for key in sorted(collection.reads):
        version = collection.reads[key]
        read = message.hashed_reads.add(key_hash=hash_of(key))
        if version is not None:
            read.version.block_num, read.version.tx_num = version
            read.version.SetInParent()
    for key in sorted(collection.writes):
        value, purge = collection.writes[key]
        message.hashed_writes.add(
            key_hash=hash_of(key),
            is_delete=not value,
            value_hash=hashlib.sha256(value).digest() if value else b"",
            is_purge=purge,
        )
    for key in sorted(collection.metadata):
        message.metadata_writes.add(key_hash=hash_of(key), entries=_entries(collection.metadata[key]))
    return bytes(message.SerializeToString())


def _private_bytes(collection: _Collection) -> bytes:
    message = kv_rwset_pb2.KVRWSet(
        writes=[
            kv_rwset_pb2.KVWrite(
                key=key, is_delete=not collection.writes[key][0], value=collection.writes[key][0]
            )
            for key in sorted(collection.writes)
        ],
        # The metadata itself is public, under the key's hash; the key is needed to raise the value's version.
        metadata_writes=[kv_rwset_pb2.KVMetadataWrite(key=key) for key in sorted(collection.metadata)],
    )
    return bytes(message.SerializeToString())


def _entries(metadata: Mapping[str, bytes]) -> list[kv_rwset_pb2.KVMetadataEntry]:
    return [kv_rwset_pb2.KVMetadataEntry(name=name, value=metadata[name]) for name in sorted(metadata)]


@dataclass(frozen=True, slots=True)
class CollectionReadWrites:
    """The hashed set of one collection."""

    name: str
    hashed: kv_rwset_pb2.HashedRWSet
    private_hash: bytes

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return bool(self.hashed.hashed_writes or self.hashed.metadata_writes)


@dataclass(frozen=True, slots=True)
class NamespaceReadWrites:
    """The set of one namespace."""

    name: str
    public: kv_rwset_pb2.KVRWSet
    collections: tuple[CollectionReadWrites, ...]

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return bool(
            self.public.writes or self.public.metadata_writes or any(part.writes for part in self.collections)
        )


def parse_read_write_set(data: bytes) -> tuple[NamespaceReadWrites, ...]:
    """Read a serialised `TxReadWriteSet` with all that is nested in it.

    Raises
    ------
    Malformed
        If some part of it does not parse.
    """
    try:
        return tuple(
            NamespaceReadWrites(
                entry.namespace,
                kv_rwset_pb2.KVRWSet.FromString(entry.rwset),
                tuple(
                    CollectionReadWrites(
                        part.collection_name,
                        kv_rwset_pb2.HashedRWSet.FromString(part.hashed_rwset),
                        part.pvt_rwset_hash,
                    )
                    for part in entry.collection_hashed_rwset
                ),
            )
            for entry in rwset_pb2.TxReadWriteSet.FromString(data).ns_rwset
        )
    except DecodeError as error:
        raise Malformed("the read-write set does not parse") from error


def parse_private(data: bytes) -> kv_rwset_pb2.KVRWSet:
    """Read the private writes of one collection.

    Raises
    ------
    Malformed
        If they do not parse.
    """
    try:
        return kv_rwset_pb2.KVRWSet.FromString(data)
    except DecodeError as error:
        raise Malformed("the private writes do not parse") from error
