"""A channel's configuration with another member: an organisation more, or one known by other roots."""

from __future__ import annotations

from typing import Any, Final

from fabric_protos.common import configtx_pb2
from fabric_protos.peer import configuration_pb2

from gridledger.client.policy import EndorsementPolicy
from gridledger.network.errors import UnknownComponent
from gridledger.network.ordering.channel_configuration import (
    ADMINS,
    APPLICATION,
    MSP,
    ORDERER,
    ChannelConfiguration,
    msp_of,
    signature_policy,
)
from gridledger.network.ordering.organisation_card import OrganisationCard

__all__ = ["with_msp", "with_organisation"]

# Messages of the official protos; their package has no type stubs.
Message = Any

_ANCHORS: Final = "AnchorPeers"


def with_organisation(current: ChannelConfiguration, card: OrganisationCard) -> Message:
    """Return a configuration's groups with one peer organisation more.

    Parameters
    ----------
    current : ChannelConfiguration
        Without the organisation.
    card : OrganisationCard
        The organisation. Its administrators decide on its roots and anchor peers; who reads, writes, endorses
        and administers for it are its members of that role, as of the organisations of a first block.

    Raises
    ------
    ValueError
        If the channel has it already.
    """
    if card.msp_id in current.peer_organisations:
        raise ValueError(f"the channel has {card.msp_id} already")
    root = configtx_pb2.ConfigGroup()
    root.CopyFrom(current.root)
    group = root.groups[APPLICATION].groups[card.msp_id]
    group.mod_policy = ADMINS
    msp_id = card.msp_id
    for policy, rule in (
        ("Readers", f"OR('{msp_id}.admin', '{msp_id}.peer', '{msp_id}.client', '{msp_id}.orderer')"),
        ("Writers", f"OR('{msp_id}.admin', '{msp_id}.client')"),
        ("Endorsement", f"OR('{msp_id}.peer')"),
        (ADMINS, f"OR('{msp_id}.admin')"),
    ):
        group.policies[policy].mod_policy = ADMINS
        group.policies[policy].policy.CopyFrom(signature_policy(EndorsementPolicy(rule).signature_policy()))
    group.values[MSP].mod_policy = ADMINS
    group.values[MSP].value = card.msp
    anchors = configuration_pb2.AnchorPeers(
        anchor_peers=[configuration_pb2.AnchorPeer(host=card.anchor_host, port=card.anchor_port)]
    )
    group.values[_ANCHORS].mod_policy = ADMINS
    group.values[_ANCHORS].value = anchors.SerializeToString(deterministic=True)
    return root


def with_msp(current: ChannelConfiguration, msp_id: str, msp: bytes) -> Message:
    """Return a configuration's groups in which an organisation has other roots or revocation lists.

    Parameters
    ----------
    current : ChannelConfiguration
        With the organisation, among the peers', the orderers' or both.
    msp_id : str
        Its MSP.
    msp : bytes
        ``msp.MSPConfig``.

    Raises
    ------
    UnknownComponent
        If the channel does not know it.
    """
    root = configtx_pb2.ConfigGroup()
    root.CopyFrom(current.root)
    found = [
        group
        for kind in (APPLICATION, ORDERER)
        for group in root.groups[kind].groups.values()
        if msp_of(group.values[MSP].value).name == msp_id
    ]
    if not found:
        known = {*current.peer_organisations, *current.orderer_organisations}
        raise UnknownComponent("organisation of the channel", msp_id, known=sorted(known))
    for group in found:
        group.values[MSP].value = msp
    return root
