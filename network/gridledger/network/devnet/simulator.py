"""A simulation: a chaincode's reads and writes on a snapshot, by the rules of Fabric's simulator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fabric_protos.common import policies_pb2
from fabric_protos.peer import proposal_response_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.definition import LIFECYCLE, Collection, Definitions, metadata_key
from gridledger.network.devnet.errors import Refused
from gridledger.network.devnet.query_results import QueryResults, RangeScan, kv_of
from gridledger.network.devnet.rwset import ReadWriteSetBuilder, SimulationResult, hash_of
from gridledger.network.devnet.snapshot import Snapshot
from gridledger.network.devnet.state import Version, VersionedKey, VersionedValue, read_metadata

__all__ = ["Simulator"]

VALIDATION_PARAMETER = "VALIDATION_PARAMETER"
SYSTEM_CHAINCODES = frozenset({LIFECYCLE, "lscc", "cscc", "qscc"})


class Simulator:
    """Reads from a snapshot and collects what a transaction would write; it never reads what it wrote.

    Parameters
    ----------
    msp_id : str
        The organisation that simulates: its private data is read.
    transaction_id : str
        For messages.
    snapshot : Snapshot
        What is read.
    definitions : Definitions
        Which collections there are.
    """

    def __init__(
        self, msp_id: str, transaction_id: str, snapshot: Snapshot, definitions: Definitions
    ) -> None:
        self.msp_id = msp_id
        self.snapshot = snapshot
        self._transaction_id = transaction_id
        self._definitions = definitions
        self._rwset = ReadWriteSetBuilder()
        self._scans: list[RangeScan] = []
        self._wrote = False
        self._private_query = False
        self._paged_query = False
        self._private_reads: set[tuple[str, str]] = set()
        self._written: dict[str, dict[str, dict[str, None]]] = {}
        self._namespaces_checked: set[str] = set()

    def read_lifecycle(self, key: str, version: Version | None) -> None:
        """Record that the transaction relied on a key of the lifecycle."""
        self._rwset.read(LIFECYCLE, key, version)

    def get(self, namespace: str, key: str) -> bytes | None:
        """Return a public key's value."""
        found = self._get(namespace, key)
        return None if found is None else found.value

    def get_multiple(self, namespace: str, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of public keys, in their order."""
        found = self.snapshot.states(namespace, keys)
        values: list[bytes | None] = []
        for key in keys:
            one = found.get(key)
            self._rwset.read(namespace, key, None if one is None else one.version)
            values.append(None if one is None else one.value)
        return values

    def _get(self, namespace: str, key: str) -> VersionedValue | None:
        found = self.snapshot.state(namespace, key)
        self._rwset.read(namespace, key, None if found is None else found.version)
        return found

    def get_metadata(self, namespace: str, key: str) -> dict[str, bytes]:
        """Return a public key's metadata."""
        found = self._get(namespace, key)
        return read_metadata(None if found is None else found.metadata)

    def collection(self, namespace: str, name: str) -> Collection:
        """Return a collection of a chaincode.

        Raises
        ------
        Refused
            If the chaincode or the collection is not defined.
        """
        collections = self._definitions.collections(self.snapshot, namespace)
        if namespace not in self._namespaces_checked and namespace != LIFECYCLE:
            definition = self._definitions.get(self.snapshot, namespace)
            reads = (
                definition.reads
                if definition is not None
                else ((metadata_key("namespaces", namespace), None),)
            )
            for key, version in reads:
                self._rwset.read(LIFECYCLE, key, version)
            self._namespaces_checked.add(namespace)
        if collections is None:
            raise Refused(
                f"collection config not defined for chaincode [{namespace}], pass the collection "
                "configuration upon chaincode definition/instantiation"
            )
        found = collections.get(name)
        if found is None:
            raise Refused(
                f"collection [{name}] not defined in the collection config for chaincode [{namespace}]"
            )
        return found

    def get_private(self, namespace: str, collection: str, key: str) -> bytes | None:
        """Return a private key's value.

        Raises
        ------
        Refused
            If this organisation does not hold the value that the key's hash stands for.
        """
        self.collection(namespace, collection)
        found = self.snapshot.private(self.msp_id, namespace, collection, key)
        hashed = self.snapshot.hashed(namespace, collection, hash_of(key))
        version = None if found is None else found.version
        public = None if hashed is None else hashed.version
        if version != public:
            raise Refused(
                "private data matching public hash version is not available. "
                f"Public hash version = {_height(public)}, Private data version = {_height(version)}"
            )
        self._rwset.read_hashed(namespace, collection, key, version)
        self._private_reads.add((namespace, collection))
        return None if found is None else found.value

    def get_private_multiple(
        self, namespace: str, collection: str, keys: Sequence[str]
    ) -> list[bytes | None]:
        """Return the values of private keys; as on Fabric, stale ones are not told from current ones here."""
        self.collection(namespace, collection)
        values: list[bytes | None] = []
        for key in keys:
            found = self.snapshot.private(self.msp_id, namespace, collection, key)
            self._rwset.read_hashed(namespace, collection, key, None if found is None else found.version)
            self._private_reads.add((namespace, collection))
            values.append(None if found is None else found.value)
        return values

    def get_private_hash(self, namespace: str, collection: str, key: str) -> bytes | None:
        """Return the hash of a private key's value, which every organisation knows."""
        found = self._hashed(namespace, collection, key)
        return None if found is None else found.value

    def get_private_metadata(self, namespace: str, collection: str, key: str) -> dict[str, bytes]:
        """Return a private key's metadata."""
        found = self._hashed(namespace, collection, key)
        return read_metadata(None if found is None else found.metadata)

    def _hashed(self, namespace: str, collection: str, key: str) -> VersionedValue | None:
        self.collection(namespace, collection)
        found = self.snapshot.hashed(namespace, collection, hash_of(key))
        self._rwset.read_hashed(namespace, collection, key, None if found is None else found.version)
        return found

    def range(self, namespace: str, start: str, end: str, page_size: int | None = None) -> RangeScan:
        """Begin a range query; with a page size, of one page.

        Raises
        ------
        Refused
            If a page is asked for after a write.
        """
        if page_size is not None:
            if self._wrote:
                raise Refused(
                    f"txid [{self._transaction_id}]: unsuppored transaction. "
                    "Paginated queries are supported only in a read-only transaction"
                )
            self._paged_query = True
        keys = self.snapshot.range(namespace, start.encode(), end.encode() if end else None)
        scan = RangeScan(namespace, start, end, keys, page_size or 0)
        self._scans.append(scan)
        return scan

    def private_range(self, namespace: str, collection: str, start: str, end: str) -> QueryResults:
        """Begin a range query over private keys.

        Raises
        ------
        Refused
            After a write.
        """
        if self._wrote:
            raise Refused(
                f"txid [{self._transaction_id}]: unsuppored transaction. "
                "Queries on pvt data is supported only in a read-only transaction"
            )
        self._private_query = True
        return QueryResults(
            kv_of(namespace, key) for key in self.private_keys(namespace, collection, start, end)
        )

    def private_keys(self, namespace: str, collection: str, start: str, end: str) -> Iterator[VersionedKey]:
        """Yield the private keys of a range that this organisation holds."""
        self.collection(namespace, collection)
        return self.snapshot.private_range(
            self.msp_id, namespace, collection, start.encode(), end.encode() if end else None
        )

    def put(self, namespace: str, key: str, value: bytes) -> None:
        """Write a public key; an empty value deletes it."""
        self._begin_write()
        self._rwset.write(namespace, key, value)
        self._note_written(namespace, "", key)

    def put_metadata(self, namespace: str, key: str, metadata: Mapping[str, bytes]) -> None:
        """Replace a public key's metadata."""
        self._begin_write()
        self._rwset.write_metadata(namespace, key, metadata)
        self._note_written(namespace, "", key)

    def put_private(
        self, namespace: str, collection: str, key: str, value: bytes, *, purge: bool = False
    ) -> None:
        """Write a private key; an empty value deletes it."""
        self.collection(namespace, collection)
        self._begin_write()
        self._rwset.write_private(namespace, collection, key, value, purge=purge)
        self._note_written(namespace, collection, key)

    def put_private_metadata(
        self, namespace: str, collection: str, key: str, metadata: Mapping[str, bytes]
    ) -> None:
        """Replace a private key's metadata."""
        self.collection(namespace, collection)
        self._begin_write()
        self._rwset.write_private_metadata(namespace, collection, key, metadata)
        self._note_written(namespace, collection, key)

    def _begin_write(self) -> None:
        if self._private_query:
            raise Refused(
                f"txid [{self._transaction_id}]: unsuppored transaction. "
                "Transaction has already performed queries on pvt data. Writes are not allowed"
            )
        if self._paged_query:
            raise Refused(
                f"txid [{self._transaction_id}]: unsuppored transaction. "
                "Transaction has already performed a paginated query. Writes are not allowed"
            )
        self._wrote = True

    def _note_written(self, namespace: str, collection: str, key: str) -> None:
        self._written.setdefault(namespace, {}).setdefault(collection, {})[key] = None

    @property
    def writes_private(self) -> bool:
        """Whether some of the writes are private."""
        return any(collection for parts in self._written.values() for collection in parts)

    def result(self) -> SimulationResult:
        """Return the read-write sets; call it once, at the end."""
        for scan in self._scans:
            self._rwset.range(scan.namespace, scan.info())
        return self._rwset.build()

    def interest(self, namespaces: Sequence[str]) -> proposal_response_pb2.ChaincodeInterest:
        """Return whose endorsement the transaction needs: chaincodes, collections, policies of keys.

        Parameters
        ----------
        namespaces : sequence of str
            Those of the read-write set.
        """
        required, key_policies = self._required_policies()
        for namespace in namespaces:
            required.setdefault(namespace, {"": True})
        for namespace, collection in self._private_reads:
            required.setdefault(namespace, {})[collection] = True
        interest = proposal_response_pb2.ChaincodeInterest()
        for namespace, collections in required.items():
            if namespace in SYSTEM_CHAINCODES:
                continue
            for collection in collections:
                call = proposal_response_pb2.ChaincodeCall(name=namespace)
                if collection:
                    call.collection_names.append(collection)
                    call.no_private_reads = (namespace, collection) not in self._private_reads
                elif key_policies.get(namespace):
                    call.key_policies.extend(key_policies[namespace])
                    call.disregard_namespace_policy = not collections[""]
                elif not collections[""]:
                    continue
                interest.chaincodes.append(call)
        return interest

    def _metadata(self, namespace: str, collection: str, keys: Iterable[str]) -> Iterator[bytes | None]:
        """Yield what the metadata of written keys was before."""
        if collection:
            found = (self.snapshot.hashed(namespace, collection, hash_of(key)) for key in keys)
        else:
            states = self.snapshot.states(namespace, keys)
            found = (states.get(key) for key in keys)
        return (None if one is None else one.metadata for one in found)

    def _required_policies(
        self,
    ) -> tuple[dict[str, dict[str, bool]], dict[str, list[policies_pb2.SignaturePolicyEnvelope]]]:
        required: dict[str, dict[str, bool]] = {}
        key_policies: dict[str, list[policies_pb2.SignaturePolicyEnvelope]] = {}
        for namespace, collections in self._written.items():
            needs = required.setdefault(namespace, {"": False})
            for collection, keys in collections.items():
                for metadata in self._metadata(namespace, collection, keys):
                    parameter = read_metadata(metadata).get(VALIDATION_PARAMETER) if metadata else None
                    if parameter is None:
                        needs[collection] = True
                        continue
                    try:
                        policy = policies_pb2.SignaturePolicyEnvelope.FromString(parameter)
                    except DecodeError as error:
                        raise Refused("error unmarshalling SignaturePolicyEnvelope") from error
                    key_policies.setdefault(namespace, []).append(policy)
        return required, key_policies


def _height(version: Version | None) -> str:
    return "<nil>" if version is None else f"{{BlockNum: {version.block}, TxNum: {version.transaction}}}"
