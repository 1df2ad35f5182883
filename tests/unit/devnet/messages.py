"""Keys, policies, collections and signed proposals for the tests of the embedded network."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fabric_protos.common import common_pb2, policies_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import (
    chaincode_pb2,
    collection_pb2,
    policy_pb2,
    proposal_pb2,
)

from gridledger.network.authority import NodeRole
from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.identity import SignedData
from gridledger.network.devnet.policy import role_policy
from gridledger.network.devnet.proposal import transaction_id
from gridledger.network.material import Member, OrganisationKind, OrganisationMaterial

CHANNEL = "energy"
PEER = 3
MEMBER = 0


def make_material(folder: Path, organisations: int = 2) -> list[OrganisationMaterial]:
    """Make organisations' keys, the orderer's last."""
    made = []
    for number in range(organisations):
        material = OrganisationMaterial.create(folder, f"org{number + 1}", OrganisationKind.PEER)
        material.add_node("peer0")
        material.add_user("admin", role=NodeRole.ADMIN)
        material.add_user("user1")
        made.append(material)
    orderer = OrganisationMaterial.create(folder, "orderer1", OrganisationKind.ORDERER)
    orderer.add_node("orderer0")
    return [*made, orderer]


def signer_of(member: Member) -> Signer:
    """Return a member's signing identity."""
    credential = member.msp.signer()
    identity = identities_pb2.SerializedIdentity(mspid=member.msp_id, id_bytes=credential.certificate_pem)
    return Signer(identity.SerializeToString(), credential.key)


def policy_bytes(count: int, *roles: tuple[str, int]) -> bytes:
    """Return a serialised `ApplicationPolicy` that wants `count` of the roles."""
    envelope: policies_pb2.SignaturePolicyEnvelope = role_policy(count, roles)
    return bytes(policy_pb2.ApplicationPolicy(signature_policy=envelope).SerializeToString())


def both() -> bytes:
    """Return the policy that wants a peer of each of two organisations."""
    return policy_bytes(2, ("Org1MSP", PEER), ("Org2MSP", PEER))


def collection(
    name: str,
    *msp_ids: str,
    blocks: int = 0,
    member_only: bool = False,
    endorsement: bytes = b"",
    required: int = 0,
) -> collection_pb2.CollectionConfig:
    """Return a collection of the members of some organisations."""
    config = collection_pb2.StaticCollectionConfig(
        name=name,
        member_orgs_policy=collection_pb2.CollectionPolicyConfig(
            signature_policy=role_policy(1, [(msp_id, MEMBER) for msp_id in msp_ids])
        ),
        required_peer_count=required,
        maximum_peer_count=max(required, 1),
        block_to_live=blocks,
        member_only_read=member_only,
        member_only_write=member_only,
    )
    if endorsement:
        config.endorsement_policy.ParseFromString(endorsement)
    return collection_pb2.CollectionConfig(static_collection_config=config)


def make_proposal(
    signer: Signer,
    chaincode: str,
    *arguments: bytes,
    channel: str = CHANNEL,
    transient: Mapping[str, bytes] | None = None,
    nonce: bytes | None = None,
    seconds: float | None = None,
    change: Callable[[common_pb2.ChannelHeader, common_pb2.SignatureHeader], None] | None = None,
) -> proposal_pb2.SignedProposal:
    """Return a signed proposal; `change` may spoil its headers before they are signed."""
    nonce = nonce if nonce is not None else secrets.token_bytes(24)
    channel_header = common_pb2.ChannelHeader(
        type=common_pb2.HeaderType.ENDORSER_TRANSACTION,
        channel_id=channel,
        tx_id=transaction_id(nonce, signer.identity),
        extension=proposal_pb2.ChaincodeHeaderExtension(
            chaincode_id=chaincode_pb2.ChaincodeID(name=chaincode)
        ).SerializeToString(),
    )
    channel_header.timestamp.FromNanoseconds(int((time.time() if seconds is None else seconds) * 1e9))
    signature_header = common_pb2.SignatureHeader(creator=signer.identity, nonce=nonce)
    if change is not None:
        change(channel_header, signature_header)
    spec = chaincode_pb2.ChaincodeInvocationSpec(
        chaincode_spec=chaincode_pb2.ChaincodeSpec(
            chaincode_id=chaincode_pb2.ChaincodeID(name=chaincode),
            input=chaincode_pb2.ChaincodeInput(args=arguments),
        )
    )
    data = proposal_pb2.Proposal(
        header=common_pb2.Header(
            channel_header=channel_header.SerializeToString(),
            signature_header=signature_header.SerializeToString(),
        ).SerializeToString(),
        payload=proposal_pb2.ChaincodeProposalPayload(
            input=spec.SerializeToString(), TransientMap=transient or {}
        ).SerializeToString(),
    ).SerializeToString()
    return proposal_pb2.SignedProposal(proposal_bytes=data, signature=signer.sign(data))


def signed(signer: Signer, data: bytes) -> SignedData:
    """Return signed data."""
    return SignedData(data, signer.identity, signer.sign(data))
