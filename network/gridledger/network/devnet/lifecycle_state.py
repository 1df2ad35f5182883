"""How the lifecycle keeps entries in state: a key for the type, a key a field; only changes are written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from fabric_protos.peer.lifecycle import db_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.definition import LIFECYCLE, field_key, implicit_collection, metadata_key
from gridledger.network.devnet.errors import Malformed
from gridledger.network.devnet.simulator import Simulator

__all__ = [
    "Entry",
    "HashedState",
    "OrganisationState",
    "PublicState",
    "State",
    "differences",
    "read_field",
    "read_type",
    "save",
]


@dataclass(frozen=True)
class Entry:
    """A structure with named fields.

    Parameters
    ----------
    datatype : str
        Name of its type.
    fields : mapping of str to StateData
        Values, in the order of the type's declaration.
    """

    datatype: str
    fields: Mapping[str, db_pb2.StateData]

    def metadata(self) -> bytes:
        """Return what stands under the entry's metadata key."""
        message = db_pb2.StateMetadata(datatype=self.datatype, fields=list(self.fields))
        return bytes(message.SerializeToString())


class State(Protocol):
    """Where entries are kept: the channel's public state or an organisation's own."""

    def get(self, key: str) -> bytes | None:
        """Return a value."""

    def put(self, key: str, value: bytes) -> None:
        """Write a value; an empty one deletes the key."""


class HashedState(Protocol):
    """An organisation's own entries, as all others know them."""

    msp_id: str

    def hash(self, key: str) -> bytes | None:
        """Return the hash of a value."""


class PublicState:
    """The lifecycle's public keys.

    Parameters
    ----------
    simulator : Simulator
        Reads and writes them.
    """

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def get(self, key: str) -> bytes | None:
        """Return a value."""
        return self._simulator.get(LIFECYCLE, key)

    def put(self, key: str, value: bytes) -> None:
        """Write a value; an empty one deletes the key."""
        self._simulator.put(LIFECYCLE, key, value)

    def names(self, namespace: str) -> list[str]:
        """Return the names of all entries of a namespace."""
        prefix = metadata_key(namespace, "")
        scan = self._simulator.range(LIFECYCLE, prefix, f"{prefix}\x7f")
        names = []
        while scan.next() is not None:
            names.append(scan.last_key.removeprefix(prefix))
        return names


class OrganisationState:
    """The lifecycle's keys in an organisation's implicit collection.

    Parameters
    ----------
    simulator : Simulator
        Reads and writes them.
    msp_id : str
        The organisation.
    """

    def __init__(self, simulator: Simulator, msp_id: str) -> None:
        self._simulator = simulator
        self._collection = implicit_collection(msp_id)
        self.msp_id = msp_id

    def get(self, key: str) -> bytes | None:
        """Return a value; the organisation itself has it, others know its hash only."""
        return self._simulator.get_private(LIFECYCLE, self._collection, key)

    def hash(self, key: str) -> bytes | None:
        """Return the hash of a value."""
        return self._simulator.get_private_hash(LIFECYCLE, self._collection, key)

    def put(self, key: str, value: bytes) -> None:
        """Write a value; an empty one deletes the key."""
        self._simulator.put_private(LIFECYCLE, self._collection, key, value)

    def names(self, namespace: str) -> list[str]:
        """Return the names of all entries of a namespace."""
        prefix = metadata_key(namespace, "")
        found = self._simulator.private_keys(LIFECYCLE, self._collection, prefix, f"{prefix}\x7f")
        return [key.key.removeprefix(prefix) for key in found]


def read_type(state: State, namespace: str, name: str) -> db_pb2.StateMetadata | None:
    """Return an entry's type and fields, None if there is no entry.

    Raises
    ------
    Malformed
        If what stands there is something else.
    """
    data = state.get(metadata_key(namespace, name))
    if data is None:
        return None
    try:
        return db_pb2.StateMetadata.FromString(data)
    except DecodeError as error:
        raise Malformed(f"could not unmarshal metadata for namespace {namespace}/{name}") from error


def read_field(state: State, namespace: str, name: str, field: str) -> db_pb2.StateData:
    """Return an entry's field, an empty one where there is none.

    Raises
    ------
    Malformed
        If what stands there is something else.
    """
    key = field_key(namespace, name, field)
    try:
        return db_pb2.StateData.FromString(state.get(key) or b"")
    except DecodeError as error:
        raise Malformed(f"could not unmarshal state for key {key}") from error


def save(state: State, namespace: str, name: str, entry: Entry) -> None:
    """Write those fields of an entry that changed, and remove those that it no longer has."""
    metadata = read_type(state, namespace, name) or db_pb2.StateMetadata()
    existing = {field: state.get(field_key(namespace, name, field)) for field in metadata.fields}
    for field, value in entry.fields.items():
        data = value.SerializeToString()
        if existing.pop(field, None) != data:
            state.put(field_key(namespace, name, field), data)
    if existing or metadata.datatype != entry.datatype or len(metadata.fields) != len(entry.fields):
        state.put(metadata_key(namespace, name), entry.metadata())
    for field in existing:
        state.put(field_key(namespace, name, field), b"")


def differences(
    states: Iterable[HashedState], namespace: str, name: str, entry: Entry
) -> dict[str, list[str]]:
    """Return, by organisation, which fields of its entry are not those of `entry`, told by their hashes."""
    found: dict[str, list[str]] = {}
    for state in states:
        keys = [metadata_key(namespace, name), *(field_key(namespace, name, field) for field in entry.fields)]
        hashes = [state.hash(key) for key in keys]
        if hashes[0] != hashlib.sha256(entry.metadata()).digest():
            found[state.msp_id] = [entry.datatype]
            continue
        found[state.msp_id] = [
            field
            for (field, value), present in zip(entry.fields.items(), hashes[1:], strict=True)
            if present != hashlib.sha256(value.SerializeToString()).digest()
        ]
    return found
