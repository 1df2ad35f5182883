"""Private data collections, from the JSON that Fabric's own tools take."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fabric_protos.peer import collection_pb2

from gridledger.client.policy import EndorsementPolicy
from gridledger.client.transport import Message
from gridledger.model.errors import ConfigError

__all__ = ["Collection", "collections_of", "read_collections", "to_collection_package"]

_KEYS: dict[str, type[Any]] = {
    "name": str,
    "policy": str,
    "requiredPeerCount": int,
    "maxPeerCount": int,
    "blockToLive": int,
    "memberOnlyRead": bool,
    "memberOnlyWrite": bool,
    "endorsementPolicy": Mapping,
}
_MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A collection of private data of a chaincode."""

    name: str
    """Its name."""

    policy: EndorsementPolicy
    """Whose peers keep the data."""

    required_peer_count: int = 0
    """To how many other peers the endorser must have passed the data before it endorses."""

    max_peer_count: int = 1
    """To how many other peers the endorser tries to pass the data."""

    block_to_live: int = 0
    """Blocks after which the data is purged; 0 for never."""

    member_only_read: bool = False
    """Whether only members' clients may read."""

    member_only_write: bool = False
    """Whether only members' clients may write."""

    endorsement_policy: EndorsementPolicy | None = None
    """Who endorses writes; the chaincode's policy by default."""

    def to_message(self) -> Message:
        """Return it as ``protos.CollectionConfig``."""
        static = collection_pb2.StaticCollectionConfig(
            name=self.name,
            member_orgs_policy=collection_pb2.CollectionPolicyConfig(
                signature_policy=self.policy.signature_policy()
            ),
            required_peer_count=self.required_peer_count,
            maximum_peer_count=self.max_peer_count,
            block_to_live=self.block_to_live,
            member_only_read=self.member_only_read,
            member_only_write=self.member_only_write,
            endorsement_policy=self.endorsement_policy.to_message() if self.endorsement_policy else None,
        )
        return collection_pb2.CollectionConfig(static_collection_config=static)


def read_collections(path: Path) -> list[Collection]:
    """Read a ``collections.json``.

    Parameters
    ----------
    path : Path
        A JSON list of objects with name, policy, requiredPeerCount, maxPeerCount, blockToLive,
        memberOnlyRead, memberOnlyWrite and endorsementPolicy (signaturePolicy or channelConfigPolicy).

    Raises
    ------
    ConfigError
        When the file cannot be read or is something else.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ConfigError("is too large", key="collections", source=str(path))
        values = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="collections", source=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError("want JSON", key="collections", source=str(path)) from error
    return collections_of(values, source=str(path))


def collections_of(values: object, *, source: str) -> list[Collection]:
    """Read the content of a ``collections.json``, parsed; raises as `read_collections` does."""
    if not isinstance(values, list):
        raise ConfigError("want a list", key="collections", source=source)
    found = [_read_one(value, f"{source}, collection {number}") for number, value in enumerate(values, 1)]
    names = [one.name for one in found]
    if len(set(names)) != len(names):
        raise ConfigError("a name stands twice", key="collections", source=source)
    return found


def to_collection_package(collections: list[Collection]) -> Message:
    """Return collections as ``protos.CollectionConfigPackage``, the form that chaincode definitions hold."""
    return collection_pb2.CollectionConfigPackage(config=[one.to_message() for one in collections])


def _read_one(value: Any, source: str) -> Collection:
    if not isinstance(value, Mapping):
        raise ConfigError("want an object", key="collection", source=source)
    for key, given in value.items():
        kind = _KEYS.get(key)
        if kind is None:
            raise ConfigError("no such setting", key=str(key)[:40], source=source)
        if not isinstance(given, kind) or (kind is int and isinstance(given, bool)):
            raise ConfigError(f"want {kind.__name__}", key=key, source=source, value=repr(given)[:80])
        if kind is int and not 0 <= given < 2**31:
            raise ConfigError("want a number from 0 to 2147483647", key=key, source=source, value=given)
    missing = [key for key in ("name", "policy") if not value.get(key)]
    if missing:
        raise ConfigError("is missing", key=", ".join(missing), source=source)
    if value.get("maxPeerCount", 1) < value.get("requiredPeerCount", 0):
        raise ConfigError("is less than requiredPeerCount", key="maxPeerCount", source=source)
    return Collection(
        name=value["name"],
        policy=EndorsementPolicy(value["policy"], source=source),
        required_peer_count=value.get("requiredPeerCount", 0),
        max_peer_count=value.get("maxPeerCount", 1),
        block_to_live=value.get("blockToLive", 0),
        member_only_read=value.get("memberOnlyRead", False),
        member_only_write=value.get("memberOnlyWrite", False),
        endorsement_policy=_read_endorsement(value.get("endorsementPolicy"), source),
    )


def _read_endorsement(value: Mapping[str, object] | None, source: str) -> EndorsementPolicy | None:
    if value is None:
        return None
    given = {key: text for key, text in value.items() if text}
    text = next(iter(given.values()), None)
    known = given.keys() <= {"signaturePolicy", "channelConfigPolicy"}
    if len(given) != 1 or not known or not isinstance(text, str):
        raise ConfigError(
            "want signaturePolicy or channelConfigPolicy", key="endorsementPolicy", source=source
        )
    return EndorsementPolicy(text, source=source)
