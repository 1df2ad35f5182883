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
from tests.prerequisites import meaningless

from gridledger.network import Network, World
from gridledger.network.authority import NodeRole

ACCESS_DENIED = "access denied"
NOT_A_WRITER = "/Channel/Application/Writers"

Refused = Callable[..., Awaitable[None]]

NOISE = random.Random(20260101).randbytes(500)

WRONG_PARTS: dict[str, tuple[dict[str, Any], str]] = {
    "header-type-config-update": ({"header_type": common_pb2.CONFIG_UPDATE}, "invalid header type"),
    "header-type-unknown": ({"header_type": 4711}, "invalid header type 4711"),
    "epoch": ({"epoch": 1}, "epoch is non-zero"),
    "nonce-empty": ({"nonce": b""}, "nonce is empty"),
    "creator-empty": ({"creator": b""}, "creator is empty"),
    "creator-garbage": ({"creator": NOISE[:64]}, "access denied"),
    "tx-id-of-another": ({"claimed_tx_id": "0" * 64}, "incorrectly computed txid"),
    "tx-id-empty": ({"claimed_tx_id": ""}, "incorrectly computed txid"),
    "channel-empty": ({"channel": ""}, "make sure the chaincode script"),
    "channel-unknown": ({"channel": "nochannel"}, "channel 'nochannel' not found"),
    "chaincode-empty": ({"chaincode": ""}, "Name is empty"),
    "chaincode-unknown": ({"chaincode": "nowhere"}, "chaincode nowhere not found"),
    "chaincode-with-nul": ({"chaincode": "scr\x00ipt"}, "not found"),
}


@pytest.fixture
def refused(org1: Caller, key: str) -> Refused:
    """Return a check that a proposal is refused in every way, in these words, and nothing came of it."""

    async def check(
        parts: ProposalParts, words: str, signed: proposal_pb2.SignedProposal | None = None
    ) -> None:
        height = await org1.height()
        signed = parts.signed() if signed is None else signed
        for attempt in (org1.wire.endorse(parts, signed), org1.wire.evaluate(parts, signed)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await attempt
            assert caught.value.code() not in UNCODED, caught.value.details()
        assert words in await refusal(org1, signed)
        assert await org1.ordered_since(height) == []
        assert await org1.evaluate(do.get_state(key)) is None

    return check


UNCODED = {grpc.StatusCode.OK, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED}


async def refusal(caller: Caller, signed: proposal_pb2.SignedProposal) -> str:
    """Return the words in which the peer itself refuses a proposal."""
    try:
        response = await caller.wire.process_proposal(signed)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNKNOWN:
            raise
        return error.details() or ""
    assert response.response.status >= 400
    assert not response.endorsement.signature
    return str(response.response.message)


def write(caller: Caller, key: str) -> ProposalParts:
    return caller.parts(do.put_state(key, b"hostile"))


async def test_well_formed_proposal_by_hand_is_accepted(org1: Caller, key: str) -> None:
    await org1.wire.endorse(write(org1, key))


@pytest.mark.parametrize(("changes", "words"), WRONG_PARTS.values(), ids=WRONG_PARTS)
async def test_proposal_with_a_wrong_part_is_refused(
    org1: Caller, key: str, refused: Refused, changes: dict[str, Any], words: str
) -> None:
    await refused(replace(write(org1, key), **changes), words)


async def test_signature_of_another_key_is_refused(org1: Caller, key: str, refused: Refused) -> None:
    stranger = replace(org1.signer, key=ec.generate_private_key(ec.SECP256R1()))

    await refused(replace(write(org1, key), signer=stranger), ACCESS_DENIED)


def with_signature(data: bytes, signature: bytes) -> proposal_pb2.SignedProposal:
    return proposal_pb2.SignedProposal(proposal_bytes=data, signature=signature)


@pytest.mark.parametrize(
    ("signature", "words"),
    [
        (b"", "empty signature bytes"),
        (b"\x00", ACCESS_DENIED),
        (b"\x30\x06\x02\x01\x00\x02\x01\x00", ACCESS_DENIED),
        (NOISE[:70], ACCESS_DENIED),
    ],
    ids=["empty", "short", "zeros", "noise"],
)
async def test_malformed_signature_is_refused(
    org1: Caller, key: str, refused: Refused, signature: bytes, words: str
) -> None:
    parts = write(org1, key)

    await refused(parts, words, with_signature(parts.proposal_bytes(), signature))


async def test_signature_with_high_s_is_refused(org1: Caller, key: str, refused: Refused) -> None:
    parts = write(org1, key)
    data = parts.proposal_bytes()

    await refused(parts, ACCESS_DENIED, with_signature(data, org1.signer.sign(data, low_s=False)))


async def test_signature_of_another_proposal_is_refused(org1: Caller, key: str, refused: Refused) -> None:
    parts, other = write(org1, key), write(org1, key)

    await refused(parts, ACCESS_DENIED, with_signature(parts.proposal_bytes(), other.signed().signature))


async def test_certificate_of_a_foreign_authority_is_refused(
    foreigner: Signer, org1: Caller, key: str, refused: Refused
) -> None:
    await refused(replace(write(org1, key), signer=foreigner), ACCESS_DENIED)


async def test_expired_certificate_is_refused(
    expired: Signer, org1: Caller, key: str, refused: Refused
) -> None:
    await refused(replace(write(org1, key), signer=expired), "proposal client identity expired")


async def test_certificate_of_the_tls_authority_is_refused(
    network: Network, world: World, org1: Caller, key: str, refused: Refused
) -> None:
    if world is World.ATTACHED:
        meaningless(world, "its TLS authorities' keys are not here")
    organisation = network.organisations[0]
    user = organisation.user("user1")
    signer = Signer.of_pem(
        msp_id="Org1MSP",
        certificate=user.tls_certificate.read_bytes(),
        private_key=user.tls_key.read_bytes(),
    )

    await refused(replace(write(org1, key), signer=signer), ACCESS_DENIED)


async def test_certificate_of_an_authority_itself_is_refused(
    network: Network, org1: Caller, key: str, refused: Refused
) -> None:
    credential = network.organisations[0].signing_authority().credential
    signer = Signer(msp_id="Org1MSP", certificate=credential.certificate_pem, key=credential.key)

    await refused(replace(write(org1, key), signer=signer), ACCESS_DENIED)


@pytest.mark.parametrize(
    ("role", "words"),
    [(None, ACCESS_DENIED), (NodeRole.PEER, NOT_A_WRITER), (NodeRole.ORDERER, NOT_A_WRITER)],
)
async def test_certificate_without_the_unit_of_a_client_is_refused(
    network: Network, org1: Caller, key: str, refused: Refused, role: NodeRole | None, words: str
) -> None:
    authority = network.organisations[0].signing_authority()
    credential = authority.issue("stranger", "org1.gridledger.local", role=role)
    signer = Signer(msp_id="Org1MSP", certificate=credential.certificate_pem, key=credential.key)

    await refused(replace(write(org1, key), signer=signer), words)


async def test_certificate_of_another_organisation_is_refused(
    org1: Caller, org2: Caller, key: str, refused: Refused
) -> None:
    await refused(replace(write(org1, key), signer=replace(org2.signer, msp_id="Org1MSP")), ACCESS_DENIED)


async def test_unknown_msp_is_refused(org1: Caller, key: str, refused: Refused) -> None:
    await refused(replace(write(org1, key), signer=replace(org1.signer, msp_id="NobodyMSP")), ACCESS_DENIED)


@pytest.mark.parametrize(
    "certificate",
    [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NOISE],
    ids=["empty", "short", "random"],
)
async def test_identity_without_a_certificate_is_refused(
    org1: Caller, key: str, refused: Refused, certificate: bytes
) -> None:
    await refused(
        replace(write(org1, key), signer=replace(org1.signer, certificate=certificate)), ACCESS_DENIED
    )


async def test_two_certificates_in_one_identity_do_not_mix(
    org1: Caller, org2: Caller, key: str, refused: Refused
) -> None:
    both = org2.signer.certificate + org1.signer.certificate

    await refused(replace(write(org1, key), signer=replace(org1.signer, certificate=both)), ACCESS_DENIED)


async def test_signed_proposal_with_other_arguments_is_refused(
    org1: Caller, key: str, refused: Refused
) -> None:
    parts = write(org1, key)
    signature = parts.signed().signature
    changed = replace(parts, arguments=[b"Run", b"[]"]).proposal_bytes()

    await refused(parts, ACCESS_DENIED, with_signature(changed, signature))
