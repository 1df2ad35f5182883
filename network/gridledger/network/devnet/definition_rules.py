"""The rules that a chaincode's definition is checked against: its name, its version, its collections."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fabric_protos.common import policies_pb2
from fabric_protos.msp import msp_principal_pb2
from fabric_protos.peer import collection_pb2
from google.protobuf.message import DecodeError

from gridledger.network.devnet.channel import Channel
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.policy import SignaturePolicy

__all__ = ["check_collections", "check_names"]

_CHAINCODE_NAME = re.compile(r"[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*")
_VERSION = re.compile(r"[A-Za-z0-9_.+-]+")
_COLLECTION_NAME = re.compile(r"[A-Za-z0-9-][A-Za-z0-9_-]*")
_NAME_LIMIT = 255
_RESERVED = frozenset({"cscc", "escc", "lscc", "qscc", "vscc"})
_Classification = msp_principal_pb2.MSPPrincipal.Classification


def check_names(name: str, version: str) -> None:
    """Refuse a chaincode's name or version that breaks the rules.

    Raises
    ------
    Refused
        With the message that Fabric's lifecycle gives.
    """
    if not _CHAINCODE_NAME.fullmatch(name):
        raise Refused(
            f"invalid chaincode name '{name[:_NAME_LIMIT]}'. Names can only consist of alphanumerics, '_', "
            "and '-' and can only begin with alphanumerics"
        )
    if name in _RESERVED:
        raise Refused(f"chaincode name '{name}' is the name of a system chaincode")
    if not _VERSION.fullmatch(version):
        raise Refused(
            f"invalid chaincode version '{version}'. Versions can only consist of alphanumerics, '_', '-', "
            "'+', and '.'"
        )


def check_collections(
    channel: Channel,
    proposed: Iterable[collection_pb2.CollectionConfig],
    committed: Iterable[collection_pb2.CollectionConfig],
) -> None:
    """Refuse collections that break a rule, or that leave out or change those that are there.

    Parameters
    ----------
    channel : Channel
        Whose organisations may be members.
    proposed, committed : iterable of CollectionConfig
        The new definition's, and the last one's.

    Raises
    ------
    Refused
        With the message that Fabric's lifecycle gives.
    """
    named: dict[str, collection_pb2.StaticCollectionConfig] = {}
    for entry in proposed:
        if entry.WhichOneof("payload") is None:
            raise Refused("collection configuration is empty")
        config = entry.static_collection_config
        _check_collection(channel, config)
        if config.name in named:
            raise Refused(f"collection-name: {config.name} -- found duplicate in collection configuration")
        named[config.name] = config
    for entry in committed:
        old = entry.static_collection_config
        if not named:
            raise Refused("the proposed collection config does not contain previously defined collections")
        new = named.get(old.name)
        if new is None:
            raise Refused(
                f"existing collection [{old.name}] missing in the proposed collection configuration"
            )
        if new.block_to_live != old.block_to_live:
            raise Refused(
                f"the BlockToLive in an existing collection [{old.name}] modified. "
                f"Existing value [{old.block_to_live}]"
            )


def _check_collection(channel: Channel, config: collection_pb2.StaticCollectionConfig) -> None:
    name = config.name
    if not _COLLECTION_NAME.fullmatch(name):
        raise Refused(
            f"invalid collection name '{name[:_NAME_LIMIT]}'. Names can only consist of alphanumerics, '_', "
            "and '-' and cannot begin with '_'"
        )
    if config.maximum_peer_count < config.required_peer_count:
        raise Refused(
            f"collection-name: {name} -- maximum peer count ({config.maximum_peer_count}) cannot be less "
            "than "
            f"the required peer count ({config.required_peer_count})"
        )
    if config.required_peer_count < 0:
        raise Refused(
            f"collection-name: {name} -- requiredPeerCount ({config.required_peer_count}) cannot be less "
            "than zero"
        )
    if not config.HasField("member_orgs_policy"):
        raise Refused(f"collection member policy is not set for collection '{name}'")
    if config.member_orgs_policy.WhichOneof("payload") is None:
        raise Refused(f"collection member org policy is empty for collection '{name}'")
    envelope = config.member_orgs_policy.signature_policy
    try:
        SignaturePolicy(envelope)
    except Malformed as malformed:
        raise Refused(
            f"invalid member org policy for collection '{name}': {malformed.message}"
        ) from malformed
    _check_only_or(envelope.rule, name)
    for principal in envelope.identities:
        if _msp_id(channel, principal, name) not in channel.msps.msps:
            raise Refused(
                f"collection-name: {name} -- collection member '{_msp_id(channel, principal, name)}' is not "
                "part of the channel"
            )


def _msp_id(channel: Channel, principal: msp_principal_pb2.MSPPrincipal, name: str) -> str:
    kind = principal.principal_classification
    try:
        if kind == _Classification.ROLE:
            return str(msp_principal_pb2.MSPRole.FromString(principal.principal).msp_identifier)
        if kind == _Classification.ORGANIZATION_UNIT:
            return str(msp_principal_pb2.OrganizationUnit.FromString(principal.principal).msp_identifier)
    except DecodeError as error:
        raise Refused(f"collection-name: {name} -- cannot unmarshal identity bytes into MSPRole") from error
    if kind != _Classification.IDENTITY:
        raise Refused(f"collection-name: {name} -- principal type {kind} is not supported")
    try:
        return channel.msps.deserialize(principal.principal).msp_id
    except Refused as refusal:
        raise Refused(
            f"collection-name: {name} -- contains an identity that is not part of the channel"
        ) from refusal


def _check_only_or(rule: policies_pb2.SignaturePolicy, name: str) -> None:
    if rule.WhichOneof("Type") == "n_out_of":
        if rule.n_out_of.n != 1:
            raise Refused(
                f"collection-name: {name} -- error in member org policy: signature policy is not an OR "
                f"concatenation, NOutOf {rule.n_out_of.n}"
            )
        for part in rule.n_out_of.rules:
            _check_only_or(part, name)
