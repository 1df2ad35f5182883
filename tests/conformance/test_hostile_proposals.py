"""Proposals that a peer must refuse: a coded error, nothing written, the process lives."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2
from tests.conformance.caller import Caller
from tests.conformance.probe.steps import do
from tests.conformance.wire import ProposalParts, Signer

from gridledger.network import Network
from gridledger.network.authority import NodeRole

Refused = Callable[[ProposalParts, proposal_pb2.SignedProposal | None], Awaitable[None]]

NOISE = random.Random(20260101).randbytes(500)

WRONG_PARTS = {
    "header-type-config-update": {"header_type": common_pb2.CONFIG_UPDATE},
    "header-type-unknown": {"header_type": 4711},
    "epoch": {"epoch": 1},
    "nonce-empty": {"nonce": b""},
    "creator-empty": {"creator": b""},
    "creator-garbage": {"creator": NOISE[:64]},
    "tx-id-of-another": {"claimed_tx_id": "0" * 64},
    "tx-id-empty": {"claimed_tx_id": ""},
    "channel-empty": {"channel": ""},
    "channel-unknown": {"channel": "nochannel"},
    "chaincode-empty": {"chaincode": ""},
    "chaincode-unknown": {"chaincode": "nowhere"},
    "chaincode-not-utf8-name": {"chaincode": "scr\x00ipt"},
}


@pytest.fixture
def refused(org1: Caller, key: str) -> Refused:
    """Return a check that a proposal is refused in every way and that nothing came of it."""

    async def check(parts: ProposalParts, signed: proposal_pb2.SignedProposal | None = None) -> None:
        height = await org1.height()
        signed = parts.signed() if signed is None else signed
        for attempt in (org1.wire.endorse(parts, signed), org1.wire.evaluate(parts, signed)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await attempt
            assert caught.value.code() not in UNCODED, caught.value.details()
        await refuse_directly(org1, signed)
        assert await org1.ordered_since(height) == []
        assert await org1.evaluate(do.get_state(key)) is None

    return check


UNCODED = {grpc.StatusCode.OK, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED}


async def refuse_directly(caller: Caller, signed: proposal_pb2.SignedProposal) -> None:
    """The peer itself refuses it: by a status of gRPC or of its response."""
    try:
        response = await caller.wire.process_proposal(signed)
    except grpc.aio.AioRpcError as error:
        if error.code() in {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE}:
            raise
        return
    assert response.response.status >= 400
    assert not response.endorsement.signature


def write(caller: Caller, key: str) -> ProposalParts:
    return caller.parts(do.put_state(key, b"hostile"))


async def test_well_formed_proposal_by_hand_is_accepted(org1: Caller, key: str) -> None:
    await org1.wire.endorse(write(org1, key))


@pytest.mark.parametrize("changes", WRONG_PARTS.values(), ids=WRONG_PARTS)
async def test_proposal_with_a_wrong_part_is_refused(
    org1: Caller, key: str, refused: Refused, changes: dict[str, Any]
) -> None:
    await refused(replace(write(org1, key), **changes), None)


async def test_signature_of_another_key_is_refused(org1: Caller, key: str, refused: Refused) -> None:
    stranger = replace(org1.signer, key=ec.generate_private_key(ec.SECP256R1()))

    await refused(replace(write(org1, key), signer=stranger), None)


@pytest.mark.parametrize(
    "signature",
    [b"", b"\x00", b"\x30\x06\x02\x01\x00\x02\x01\x00", NOISE[:70]],
    ids=["empty", "short", "zeros", "noise"],
)
async def test_malformed_signature_is_refused(
    org1: Caller, key: str, refused: Refused, signature: bytes
) -> None:
    parts = write(org1, key)

    await refused(
        parts, proposal_pb2.SignedProposal(proposal_bytes=parts.proposal_bytes(), signature=signature)
    )


async def test_signature_with_high_s_is_refused(org1: Caller, key: str, refused: Refused) -> None:
    parts = write(org1, key)
    data = parts.proposal_bytes()

    await refused(
        parts,
        proposal_pb2.SignedProposal(proposal_bytes=data, signature=org1.signer.sign(data, low_s=False)),
    )


async def test_signature_of_another_proposal_is_refused(org1: Caller, key: str, refused: Refused) -> None:
    parts, other = write(org1, key), write(org1, key)

    await refused(
        parts,
        proposal_pb2.SignedProposal(
            proposal_bytes=parts.proposal_bytes(), signature=other.signed().signature
        ),
    )


async def test_certificate_of_a_foreign_authority_is_refused(
    foreigner: Signer, org1: Caller, key: str, refused: Refused
) -> None:
    await refused(replace(write(org1, key), signer=foreigner), None)


async def test_expired_certificate_is_refused(
    expired: Signer, org1: Caller, key: str, refused: Refused
) -> None:
    await refused(replace(write(org1, key), signer=expired), None)


async def test_certificate_of_the_tls_authority_is_refused(
    network: Network, org1: Caller, key: str, refused: Refused
) -> None:
    organisation = network.organisations[0]
    user = organisation.user("user1")
    signer = Signer.of_pem(
        msp_id="Org1MSP",
        certificate=user.tls_certificate.read_bytes(),
        private_key=user.tls_key.read_bytes(),
    )

    await refused(replace(write(org1, key), signer=signer), None)


async def test_certificate_of_an_authority_itself_is_refused(
    network: Network, org1: Caller, key: str, refused: Refused
) -> None:
    credential = network.organisations[0].signing_authority().credential
    signer = Signer(msp_id="Org1MSP", certificate=credential.certificate_pem, key=credential.key)

    await refused(replace(write(org1, key), signer=signer), None)


@pytest.mark.parametrize("role", [None, NodeRole.PEER, NodeRole.ORDERER])
async def test_certificate_without_the_unit_of_a_client_is_refused(
    network: Network, org1: Caller, key: str, refused: Refused, role: NodeRole | None
) -> None:
    authority = network.organisations[0].signing_authority()
    credential = authority.issue("stranger", "org1.gridledger.local", role=role)
    signer = Signer(msp_id="Org1MSP", certificate=credential.certificate_pem, key=credential.key)

    await refused(replace(write(org1, key), signer=signer), None)


async def test_certificate_of_another_organisation_is_refused(
    org1: Caller, org2: Caller, key: str, refused: Refused
) -> None:
    await refused(replace(write(org1, key), signer=replace(org2.signer, msp_id="Org1MSP")), None)


async def test_unknown_msp_is_refused(org1: Caller, key: str, refused: Refused) -> None:
    await refused(replace(write(org1, key), signer=replace(org1.signer, msp_id="NobodyMSP")), None)


@pytest.mark.parametrize(
    "certificate",
    [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NOISE],
    ids=["empty", "short", "random"],
)
async def test_identity_without_a_certificate_is_refused(
    org1: Caller, key: str, refused: Refused, certificate: bytes
) -> None:
    await refused(replace(write(org1, key), signer=replace(org1.signer, certificate=certificate)), None)


async def test_two_certificates_in_one_identity_do_not_mix(
    org1: Caller, org2: Caller, key: str, refused: Refused
) -> None:
    both = org2.signer.certificate + org1.signer.certificate

    await refused(replace(write(org1, key), signer=replace(org1.signer, certificate=both)), None)


async def test_endorsed_proposal_with_other_arguments_is_refused(
    org1: Caller, key: str, refused: Refused
) -> None:
    parts = write(org1, key)
    signed = parts.signed()
    changed = replace(parts, arguments=[b"Run", b"[]"]).proposal_bytes()

    await refused(parts, proposal_pb2.SignedProposal(proposal_bytes=changed, signature=signed.signature))
