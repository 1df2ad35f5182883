"""Chaincode definitions as they stand committed, and the collections that they define."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from fabric_protos.peer import collection_pb2
from fabric_protos.peer.lifecycle import chaincode_definition_pb2, db_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.channel import LIFECYCLE_ENDORSEMENT, Channel
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.policy import Policy, member_policy
from gridledger.network.devnet.snapshot import Snapshot
from gridledger.network.devnet.state import Version

__all__ = [
    "LIFECYCLE",
    "ChaincodeDefinition",
    "Collection",
    "Definitions",
    "field_key",
    "implicit_collection",
    "implicit_msp_id",
    "metadata_key",
]

LIFECYCLE = "_lifecycle"
NAMESPACES = "namespaces"
CHAINCODE_SOURCES = "chaincode-sources"
DEFINITION_TYPE = "ChaincodeDefinition"
_IMPLICIT_PREFIX = "_implicit_org_"
_FIELDS = ("Sequence", "EndorsementInfo", "ValidationInfo", "Collections")
_KEPT = 256


def metadata_key(namespace: str, name: str) -> str:
    """Return the key under which the lifecycle keeps the type and the fields of an entry."""
    return f"{namespace}/metadata/{name}"


def field_key(namespace: str, name: str, field: str) -> str:
    """Return the key under which the lifecycle keeps one field of an entry."""
    return f"{namespace}/fields/{name}/{field}"


def implicit_collection(msp_id: str) -> str:
    """Return the name of the collection that an organisation has in every chaincode."""
    return f"{_IMPLICIT_PREFIX}{msp_id}"


def implicit_msp_id(collection: str) -> str | None:
    """Return whose implicit collection a name is, None if it is no such name."""
    return collection.removeprefix(_IMPLICIT_PREFIX) if collection.startswith(_IMPLICIT_PREFIX) else None


@dataclass(frozen=True, kw_only=True)
class Collection:
    """One collection of a chaincode.

    Parameters
    ----------
    name : str
        Its name.
    members : Policy
        Who is a member.
    endorsement_policy : bytes, optional
        Serialised `ApplicationPolicy` of its own; the chaincode's holds where it has none.
    block_to_live : int
        After how many blocks a value expires; 0 for never.
    required_peer_count : int
        How many other members must get private data before a transaction is endorsed.
    member_only_read, member_only_write : bool
        Whether clients of other organisations are refused.
    owner : str, optional
        Whose implicit collection it is.
    """

    name: str
    members: Policy
    endorsement_policy: bytes | None = None
    block_to_live: int = 0
    required_peer_count: int = 0
    member_only_read: bool = False
    member_only_write: bool = False
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class ChaincodeDefinition:
    """What the organisations agreed on for one chaincode.

    Parameters
    ----------
    name, sequence, version : str, int, str
        Its name, which definition of it this is, and its version.
    init_required : bool
        Whether an init call must come first.
    endorsement_plugin, validation_plugin : str
        `escc` and `vscc`.
    validation_parameter : bytes
        Serialised `ApplicationPolicy`: the endorsement policy.
    collection_package : CollectionConfigPackage
        As it was committed.
    collections : mapping of str to Collection
        By name, implicit ones included.
    reads : tuple of (str, Version)
        The lifecycle's keys that it was read from; a transaction that relied on it records them.
    """

    name: str
    sequence: int
    version: str
    init_required: bool
    endorsement_plugin: str
    validation_plugin: str
    validation_parameter: bytes
    collection_package: collection_pb2.CollectionConfigPackage
    collections: Mapping[str, Collection]
    reads: tuple[tuple[str, Version | None], ...]

    @property
    def sequence_read(self) -> tuple[str, Version | None]:
        """The key that changes with every new definition, at the version that was read."""
        return self.reads[1]


class Definitions:
    """The committed definitions, kept from change to change.

    Parameters
    ----------
    channel : Channel
        Whose organisations have implicit collections, and whose policies definitions refer to.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._kept: OrderedDict[tuple[int, str], ChaincodeDefinition | None] = OrderedDict()
        self._implicit = {
            implicit_collection(msp_id): Collection(
                name=implicit_collection(msp_id),
                members=channel.policies.signature_policy(
                    member_policy(msp_id).SerializeToString(deterministic=True)
                ),
                owner=msp_id,
            )
            for msp_id in channel.msp_ids
        }

    def get(self, snapshot: Snapshot, name: str) -> ChaincodeDefinition | None:
        """Return the definition of a chaincode, None if none is committed."""
        key = (snapshot.lifecycle_height, name)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        definition = self._read(snapshot, name)
        self._kept[key] = definition
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return definition

    def _read(self, snapshot: Snapshot, name: str) -> ChaincodeDefinition | None:
        if snapshot.state(LIFECYCLE, metadata_key(NAMESPACES, name)) is None:
            return None
        keys = [metadata_key(NAMESPACES, name), *(field_key(NAMESPACES, name, field) for field in _FIELDS)]
        values = [snapshot.state(LIFECYCLE, key) for key in keys]
        try:
            sequence, endorsement, validation, collections = (
                db_pb2.StateData.FromString(value.value if value and value.value else b"")
                for value in values[1:]
            )
            endorsement_info = chaincode_definition_pb2.ChaincodeEndorsementInfo.FromString(endorsement.Bytes)
            validation_info = chaincode_definition_pb2.ChaincodeValidationInfo.FromString(validation.Bytes)
            package = collection_pb2.CollectionConfigPackage.FromString(collections.Bytes)
        except DecodeError as error:
            raise Malformed(f"could not deserialize chaincode definition for chaincode {name}") from error
        return ChaincodeDefinition(
            name=name,
            sequence=sequence.Int64,
            version=endorsement_info.version,
            init_required=endorsement_info.init_required,
            endorsement_plugin=endorsement_info.endorsement_plugin,
            validation_plugin=validation_info.validation_plugin,
            validation_parameter=validation_info.validation_parameter,
            collection_package=package,
            collections={**self._implicit, **self._collections(package)},
            reads=tuple(
                (key, value.version if value is not None else None)
                for key, value in zip(keys, values, strict=True)
            ),
        )

    def _collections(self, package: collection_pb2.CollectionConfigPackage) -> dict[str, Collection]:
        found: dict[str, Collection] = {}
        for entry in package.config:
            config = entry.static_collection_config
            members = config.member_orgs_policy.signature_policy.SerializeToString(deterministic=True)
            own = config.endorsement_policy if config.HasField("endorsement_policy") else None
            found[config.name] = Collection(
                name=config.name,
                members=self._channel.policies.signature_policy(members),
                endorsement_policy=own.SerializeToString() if own is not None else None,
                block_to_live=config.block_to_live,
                required_peer_count=config.required_peer_count,
                member_only_read=config.member_only_read,
                member_only_write=config.member_only_write,
            )
        return found

    def names(self, snapshot: Snapshot) -> list[str]:
        """Return the names of all committed chaincodes."""
        prefix = metadata_key(NAMESPACES, "")
        found = snapshot.range(LIFECYCLE, prefix.encode(), f"{prefix}\x7f".encode())
        return [key.key.removeprefix(prefix) for key in found]

    def collections(self, snapshot: Snapshot, name: str) -> Mapping[str, Collection] | None:
        """Return a chaincode's collections, None if there is no such chaincode."""
        if name == LIFECYCLE:
            return self._implicit
        definition = self.get(snapshot, name)
        return None if definition is None else definition.collections

    def endorsement_policy(self, snapshot: Snapshot, name: str) -> Policy | None:
        """Return the policy for writes to a chaincode's namespace, None if there is no such chaincode."""
        if name == LIFECYCLE:
            return self._channel.policies.get(LIFECYCLE_ENDORSEMENT)
        definition = self.get(snapshot, name)
        if definition is None or not definition.validation_parameter or not definition.validation_plugin:
            return None
        return self._channel.policies.application_policy(definition.validation_parameter)

    def collection_policy(self, snapshot: Snapshot, name: str, collection: str) -> Policy | None:
        """Return the policy that writes to a collection must satisfy, None if the chaincode's holds.

        Raises
        ------
        Refused
            If there is no such collection.
        """
        owner = implicit_msp_id(collection)
        if owner is not None:
            return self._channel.organisation_endorsement(owner)
        known = (self.collections(snapshot, name) or {}).get(collection)
        if known is None:
            raise Refused(f"no such collection '{collection}'")
        if known.endorsement_policy is None:
            return None
        return self._channel.policies.application_policy(known.endorsement_policy)
