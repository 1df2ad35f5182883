"""An endorsing peer: which proposals it simulates, and what it signs."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fabric_protos.common import common_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2
from tests.unit.devnet.contract import NAMESPACE
from tests.unit.devnet.kit import Net
from tests.unit.devnet.messages import make_proposal, signer_of

from gridledger.network.authority import CertificateAuthority, Validity
from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.errors import ProposalRefused
from gridledger.network.devnet.proposal import Proposal
from gridledger.network.material import OrganisationMaterial


async def _process(net: Net, signed: proposal_pb2.SignedProposal) -> proposal_response_pb2.ProposalResponse:
    return await net.endorsers["Org1MSP"].process(Proposal.parse(signed))


async def _refusal(net: Net, signed: proposal_pb2.SignedProposal) -> ProposalRefused:
    height = net.ledger.height
    with pytest.raises(ProposalRefused) as caught:
        await _process(net, signed)
    assert net.ledger.height == height
    return caught.value


async def test_endorsement_is_signed_over_response_and_endorser(deployed: Net) -> None:
    response = await _process(deployed, make_proposal(deployed.user(), NAMESPACE, b"put", b"a", b"1"))
    peer = deployed.organisations["Org1MSP"]
    assert response.endorsement.endorser == peer.signer.identity
    certificate = peer.identity.certificate
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(
        response.endorsement.signature,
        response.payload + response.endorsement.endorser,
        ec.ECDSA(hashes.SHA256()),
    )


async def test_response_of_400_and_more_is_not_endorsed(deployed: Net) -> None:
    response = await _process(deployed, make_proposal(deployed.user(), NAMESPACE, b"refuse", b"no"))
    assert (response.response.status, response.response.message) == (500, "no")
    assert not response.HasField("endorsement")
    assert response.payload


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda header, _: setattr(header, "type", 99), "invalid header type 99"),
        (lambda header, _: setattr(header, "epoch", 1), "epoch is non-zero"),
        (lambda header, _: setattr(header, "tx_id", "00"), "incorrectly computed txid '00'"),
        (lambda _, header: header.ClearField("nonce"), "nonce is empty"),
        (lambda _, header: header.ClearField("creator"), "creator is empty"),
        (lambda _, header: setattr(header, "creator", b"\xff"), "incorrectly computed txid"),
    ],
)
async def test_proposal_with_a_wrong_header_is_refused(
    deployed: Net,
    spoil: Callable[[common_pb2.ChannelHeader, common_pb2.SignatureHeader], None],
    message: str,
) -> None:
    refusal = await _refusal(deployed, make_proposal(deployed.user(), NAMESPACE, b"get", b"a", change=spoil))
    assert refusal.message.startswith(f"error validating proposal: {message}")
    assert not refusal.filtered


@pytest.mark.parametrize("minutes", [-14, 14])
async def test_clock_of_a_client_may_be_14_minutes_off(deployed: Net, minutes: int) -> None:
    seconds = time.time() + 60 * minutes
    signed = make_proposal(deployed.user(), NAMESPACE, b"get", b"a", seconds=seconds)
    assert (await _process(deployed, signed)).response.status == 200


@pytest.mark.parametrize("minutes", [-16, 16, -400 * 24 * 60, 10**8])
async def test_clock_that_is_further_off_is_refused_at_the_door(deployed: Net, minutes: int) -> None:
    seconds = max(time.time() + 60 * minutes, 0)
    signed = make_proposal(deployed.user(), NAMESPACE, b"get", b"a", seconds=seconds)
    refusal = await _refusal(deployed, signed)
    assert "request unauthorized due to incorrect timestamp" in refusal.message
    assert refusal.filtered


@pytest.fixture(scope="module")
def strangers(material: list[OrganisationMaterial]) -> dict[str, Signer]:
    org1 = material[0]
    if "expired" not in org1.users():
        org1.add_user("expired", validity=Validity.expired())
        org1.add_user("foreign", issuer=CertificateAuthority.create("ca.elsewhere", "elsewhere"))
    return {name: signer_of(org1.user(name)) for name in ("expired", "foreign")}


async def test_expired_certificate_is_refused_at_the_door(
    deployed: Net, strangers: dict[str, Signer]
) -> None:
    refusal = await _refusal(deployed, make_proposal(strangers["expired"], NAMESPACE, b"get", b"a"))
    assert (refusal.message, refusal.filtered) == ("proposal client identity expired", True)


async def test_foreign_certificate_is_refused(deployed: Net, strangers: dict[str, Signer]) -> None:
    refusal = await _refusal(deployed, make_proposal(strangers["foreign"], NAMESPACE, b"get", b"a"))
    assert refusal.message.endswith("access denied: channel [energy] creator org [Org1MSP]")


async def test_certificate_under_the_wrong_msp_is_refused(deployed: Net) -> None:
    user = deployed.user()
    pem = identities_pb2.SerializedIdentity.FromString(user.identity).id_bytes
    for msp_id, words in (("Org2MSP", "creator org [Org2MSP]"), ("Org9MSP", "creator org unknown")):
        identity = identities_pb2.SerializedIdentity(mspid=msp_id, id_bytes=pem).SerializeToString()
        signed = make_proposal(Signer(identity, user._key), NAMESPACE, b"get", b"a")
        assert words in (await _refusal(deployed, signed)).message


async def test_bad_signature_is_refused_and_peers_may_not_propose(deployed: Net) -> None:
    signed = make_proposal(deployed.user(), NAMESPACE, b"get", b"a")
    for signature in (b"", b"\x00", deployed.user(2).sign(signed.proposal_bytes)):
        spoiled = proposal_pb2.SignedProposal(proposal_bytes=signed.proposal_bytes, signature=signature)
        await _refusal(deployed, spoiled)
    peer = deployed.organisations["Org1MSP"].signer
    refusal = await _refusal(deployed, make_proposal(peer, NAMESPACE, b"get", b"a"))
    assert "with policy [/Channel/Application/Writers]" in refusal.message


async def test_replayed_proposal_is_refused(deployed: Net) -> None:
    user = deployed.user()
    envelope = await deployed.endorse(user, NAMESPACE, b"put", b"a", b"1", nonce=b"once" * 6)
    await deployed.submit(envelope)
    refusal = await _refusal(deployed, make_proposal(user, NAMESPACE, b"put", b"a", b"1", nonce=b"once" * 6))
    assert refusal.message.startswith("duplicate transaction found [")


async def test_unknown_channel_and_chaincode_are_answered_with_500(deployed: Net) -> None:
    user = deployed.user()
    response = await _process(deployed, make_proposal(user, NAMESPACE, b"get", channel="other"))
    assert response.response.message == "channel 'other' not found"
    response = await _process(deployed, make_proposal(user, "nothing", b"get"))
    assert response.response.message == (
        "make sure the chaincode nothing has been successfully defined on channel energy and try again: "
        "chaincode nothing not found"
    )
    response = await _process(deployed, make_proposal(user, "lscc", b"get"))
    assert "system chaincode lscc is not there" in response.response.message


async def test_calls_to_a_peer_alone_are_for_its_own_organisation(net: Net) -> None:
    stranger = make_proposal(net.user(2, "admin"), "cscc", b"GetChannels", channel="")
    assert "creator org unknown" in (await _refusal(net, stranger)).message
    own = make_proposal(net.user(1), "cscc", b"GetChannels", channel="")
    assert (await _process(net, own)).response.status == 200
    chaincode = make_proposal(net.user(1), NAMESPACE, b"get", channel="")
    assert "invalid channel-less operation" in (await _process(net, chaincode)).response.message
