"""Blocks whose orderers change by configuration, and certificates that are nobody's."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2, configtx_pb2, configuration_pb2
from fabric_protos.msp import identities_pb2, msp_config_pb2
from fabric_protos.orderer import configuration_pb2 as orderer_configuration_pb2

from gridledger.client import Block, EcdsaSigner
from gridledger.client.block_proof import configuration_of, make_block_proof, verify_block, verify_blocks
from gridledger.client.channel_trust import ConfiguredTrust, FolderTrust
from gridledger.client.errors import ProofRefused
from gridledger.client.membership import Membership, NodeUnit
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.proof import BlockProof, OrdererSignature
from gridledger.network.authority import CertificateAuthority, Credential, NodeRole, Validity
from gridledger.network.devnet.block import BlockHeader, data_hash

AT_MS = time.time_ns() // 1_000_000


@dataclass
class Orderers:
    """Consenters of one organisation, which sign blocks."""

    numbers: Sequence[int]
    authority: CertificateAuthority = field(
        default_factory=lambda: CertificateAuthority.create("ca", "orderer.example")
    )
    credentials: dict[int, Credential] = field(default_factory=dict)
    consensus: str = "BFT"

    def __post_init__(self) -> None:
        for number in self.numbers:
            self.credentials[number] = self.authority.issue(
                f"orderer{number}", "orderer.example", role=NodeRole.ORDERER
            )

    def configuration(self, channel: str = "energy") -> bytes:
        """Return the envelope of a configuration that names them."""
        root = configtx_pb2.ConfigGroup()
        for part in ("Application", "Orderer"):
            msp = msp_config_pb2.FabricMSPConfig(
                name="OrdererMSP", root_certs=[self.authority.credential.certificate_pem]
            )
            value = msp_config_pb2.MSPConfig(config=msp.SerializeToString()).SerializeToString()
            root.groups[part].groups["orderer"].values["MSP"].value = value
        consensus = orderer_configuration_pb2.ConsensusType(type=self.consensus)
        root.groups["Orderer"].values["ConsensusType"].value = consensus.SerializeToString()
        mapping = configuration_pb2.Orderers(
            consenter_mapping=[
                configuration_pb2.Consenter(id=number, msp_id="OrdererMSP", identity=one.certificate_pem)
                for number, one in self.credentials.items()
            ]
        )
        root.groups["Orderer"].values["Orderers"].value = mapping.SerializeToString()
        header = common_pb2.ChannelHeader(type=common_pb2.HeaderType.CONFIG, channel_id=channel)
        header.timestamp.FromMilliseconds(AT_MS)
        envelope = configtx_pb2.ConfigEnvelope(config=configtx_pb2.Config(channel_group=root))
        payload = common_pb2.Payload(
            header=common_pb2.Header(channel_header=header.SerializeToString()),
            data=envelope.SerializeToString(),
        )
        return bytes(common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString())

    def signed_name(self, number: int) -> dict[str, bytes]:
        """Return the header by which an orderer names itself."""
        if self.consensus != "etcdraft":
            named = common_pb2.IdentifierHeader(identifier=number, nonce=b"n")
            return {"identifier_header": named.SerializeToString()}
        creator = identities_pb2.SerializedIdentity(
            mspid="OrdererMSP", id_bytes=self.credentials[number].certificate_pem
        )
        header = common_pb2.SignatureHeader(creator=creator.SerializeToString(), nonce=b"n")
        return {"signature_header": header.SerializeToString()}

    def block(self, number: int, entry: bytes, *, configuration: int, signers: Sequence[int]) -> Block:
        """Return a block that some of them signed."""
        header = BlockHeader(number, b"\x07" * 32, data_hash([entry]))
        value = metadata_value(configuration)
        metadata = common_pb2.Metadata(value=value)
        for one in signers:
            named = self.signed_name(one)
            signer = EcdsaSigner(self.credentials[one].key_pem())
            signed = value + next(iter(named.values())) + header.to_bytes()
            signature = signer.sign(sha256(signed).digest())
            metadata.signatures.add(**named, signature=signature)
        message = common_pb2.Block(
            header=common_pb2.BlockHeader(
                number=number, previous_hash=header.previous_hash, data_hash=header.data_hash
            ),
            data=common_pb2.BlockData(data=[entry]),
            metadata=common_pb2.BlockMetadata(metadata=[metadata.SerializeToString()]),
        )
        return Block.from_bytes(message.SerializeToString())


def metadata_value(configuration: int) -> bytes:
    last = common_pb2.LastConfig(index=configuration)
    return bytes(common_pb2.OrdererBlockMetadata(last_config=last).SerializeToString())


FIRST = Orderers((1, 2, 3, 4))
THEN = Orderers((5, 6, 7, 8))
TRUST = ConfiguredTrust(0, FIRST.configuration())
CHANGED = THEN.configuration()


def proof(
    orderers: Orderers, number: int, entry: bytes, configuration: int, signers: Sequence[int], trust: bytes
) -> BlockProof:
    block = orderers.block(number, entry, configuration=configuration, signers=signers)
    return make_block_proof(block, ConfiguredTrust(0, trust))


def call() -> bytes:
    """Return an entry that is no configuration."""
    header = common_pb2.ChannelHeader(type=common_pb2.HeaderType.ENDORSER_TRANSACTION)
    header.timestamp.FromMilliseconds(AT_MS)
    payload = common_pb2.Payload(header=common_pb2.Header(channel_header=header.SerializeToString()))
    return bytes(common_pb2.Envelope(payload=payload.SerializeToString()).SerializeToString())


CHANGE = proof(FIRST, 5, CHANGED, 5, (1, 2, 3), FIRST.configuration())
AFTER = proof(THEN, 9, call(), 5, (5, 6, 7), CHANGED)


def test_block_after_a_change_of_orderers_holds_by_way_of_the_change() -> None:
    block, trust = verify_blocks((CHANGE,), AFTER, TRUST)

    assert block.number == 9
    assert trust.starts_at() == 5
    # A later configuration may be trusted as well; what lies before it is not needed.
    assert verify_blocks((CHANGE,), AFTER, ConfiguredTrust(5, CHANGED))[0] == block


def test_block_after_a_change_without_the_change_is_refused() -> None:
    with pytest.raises(ProofRefused, match="no orderer 5"):
        verify_blocks((), AFTER, TRUST)


def test_block_of_former_orderers_is_refused() -> None:
    # They still have their keys, and say that nothing has changed; so the orderers of today are named.
    forged = proof(FIRST, 9, call(), 5, (1, 2, 3), FIRST.configuration())

    with pytest.raises(ProofRefused, match="no orderer 1"):
        verify_blocks((CHANGE,), forged, TRUST)
    with pytest.raises(ProofRefused, match="was not in force"):
        verify_blocks((), forged, TRUST)


def test_change_that_a_quorum_did_not_sign_is_refused() -> None:
    forged = proof(FIRST, 5, CHANGED, 5, (1, 2), FIRST.configuration())

    with pytest.raises(ProofRefused, match="3 are a quorum"):
        verify_blocks((forged,), AFTER, TRUST)


@pytest.mark.parametrize(
    "entry", [call(), b"", THEN.configuration("other")], ids=["call", "nothing", "other"]
)
def test_change_that_is_no_configuration_of_the_channel_is_refused(entry: bytes) -> None:
    forged = proof(FIRST, 5, entry, 5, (1, 2, 3), FIRST.configuration())

    with pytest.raises(ProofRefused):
        verify_blocks((forged,), AFTER, TRUST)


def test_change_that_claims_an_earlier_configuration_is_refused() -> None:
    forged = proof(FIRST, 5, CHANGED, 0, (1, 2, 3), FIRST.configuration())

    with pytest.raises(ProofRefused, match="is no configuration block"):
        verify_blocks((forged,), AFTER, TRUST)


def test_trust_that_is_later_than_the_block_is_refused() -> None:
    early = proof(FIRST, 3, call(), 0, (1, 2, 3), FIRST.configuration())

    with pytest.raises(ProofRefused, match="is later than"):
        verify_blocks((), early, ConfiguredTrust(5, CHANGED))


def test_orderers_certificate_of_another_number_is_refused() -> None:
    one, *others = AFTER.signatures
    swapped = replace(one, certificate=others[0].certificate)

    with pytest.raises(ProofRefused, match="not that of orderer 5"):
        verify_block(replace(AFTER, signatures=(swapped, *others)), ConfiguredTrust(5, CHANGED))


def test_configuration_in_force_is_told_by_the_orderers() -> None:
    block = FIRST.block(9, call(), configuration=5, signers=(1,))
    assert configuration_of(block) == 5
    with pytest.raises(ProofRefused):
        configuration_of(replace(block, metadata=()))
    with pytest.raises(ProofRefused):
        configuration_of(replace(block, metadata=(b"\xff",)))


def test_block_signed_by_certificate_and_number_is_refused() -> None:
    block = FIRST.block(9, call(), configuration=5, signers=(1,))
    metadata = common_pb2.Metadata.FromString(block.metadata[0])
    metadata.signatures[0].signature_header = b"header"

    with pytest.raises(ProofRefused, match="nobody who is named"):
        make_block_proof(replace(block, metadata=(metadata.SerializeToString(),)), TRUST)


RAFT = Orderers((1,), consensus="etcdraft")
RAFT_TRUST = ConfiguredTrust(0, RAFT.configuration())
RAFT_BLOCK = RAFT.block(9, call(), configuration=0, signers=(1,))
RAFT_PROOF = make_block_proof(RAFT_BLOCK, RAFT_TRUST)


def test_block_of_a_raft_channel_holds_by_one_orderers_certificate(tmp_path: Path) -> None:
    assert BlockProof.from_value(RAFT_PROOF.to_value()) == RAFT_PROOF
    assert verify_blocks((), RAFT_PROOF, RAFT_TRUST)[0].number == 9
    (tmp_path / "cacerts").mkdir()
    (tmp_path / "cacerts" / "ca.pem").write_bytes(RAFT.authority.certificate_pem)
    folders = {"OrdererMSP": tmp_path, "OtherMSP": tmp_path}
    assert verify_block(RAFT_PROOF, FolderTrust(orderers=folders, peers=folders, raft=True)).number == 9
    # Where a quorum has to sign, one certificate is not enough, whoever vouches for it.
    with pytest.raises(ProofRefused, match="want an orderer's number"):
        verify_block(RAFT_PROOF, FolderTrust(orderers=folders, peers=folders))
    with pytest.raises(ProofRefused, match="want an orderer's number"):
        verify_block(RAFT_PROOF, TRUST)


def test_numbered_signature_counts_for_nothing_on_a_raft_channel() -> None:
    with pytest.raises(ProofRefused, match="does not number"):
        verify_block(proof(FIRST, 9, call(), 0, (1, 2, 3), FIRST.configuration()), RAFT_TRUST)


def test_raft_signature_of_another_certificate_or_of_a_stranger_is_refused() -> None:
    (signature,) = RAFT_PROOF.signatures
    stranger = Orderers((1,), consensus="etcdraft")
    theirs = make_block_proof(stranger.block(9, call(), configuration=0, signers=(1,)), RAFT_TRUST)
    (foreign,) = theirs.signatures

    with pytest.raises(ProofRefused, match="not the one that was signed with"):
        verify_block(
            replace(RAFT_PROOF, signatures=(replace(signature, certificate=foreign.certificate),)), RAFT_TRUST
        )
    with pytest.raises(ProofRefused, match="vouches for the orderer"):
        verify_block(theirs, RAFT_TRUST)
    with pytest.raises(ProofRefused, match="does not hold"):
        verify_block(replace(RAFT_PROOF, number=8), RAFT_TRUST)
    with pytest.raises(ProofRefused, match="cannot be read"):
        verify_block(
            replace(RAFT_PROOF, signatures=(replace(signature, signature_header=b"\xff"),)), RAFT_TRUST
        )
    with pytest.raises(ProofRefused, match="0 orderers signed, 1"):
        verify_block(replace(RAFT_PROOF, signatures=()), RAFT_TRUST)


def test_channel_that_moves_from_raft_to_numbered_orderers_is_followed() -> None:
    change = make_block_proof(RAFT.block(5, CHANGED, configuration=5, signers=(1,)), RAFT_TRUST)

    block, trust = verify_blocks((change,), AFTER, RAFT_TRUST)

    assert (block.number, trust.is_raft, trust.quorum) == (9, False, 3)


@pytest.mark.parametrize(("identifier", "header"), [(b"", None), (b"i", b"h")], ids=["none", "both"])
def test_signature_names_its_orderer_once(identifier: bytes, header: bytes | None) -> None:
    with pytest.raises(ModelError, match="signature_header"):
        OrdererSignature(
            identifier_header=identifier, signature_header=header, certificate=b"c", signature=b"s"
        )


# --- members


def membership(authority: CertificateAuthority) -> Membership:
    return Membership("Org1MSP", [authority.credential.certificate])


def test_member_for_its_part_at_its_time_is_known() -> None:
    authority = CertificateAuthority.create("ca", "org1.example")
    peer = authority.issue("peer0", "org1.example", role=NodeRole.PEER)

    key = membership(authority).require(peer.certificate, NodeUnit.PEER, at_ms=AT_MS)

    assert len(key) == 33
    assert membership(authority).require(peer.certificate, None, at_ms=AT_MS) == key


def test_members_that_are_none_are_refused() -> None:
    authority = CertificateAuthority.create("ca", "org1.example")
    twin = CertificateAuthority.create("ca", "org1.example")
    known = membership(authority)
    client = authority.issue("user1", "org1.example", role=NodeRole.CLIENT)
    foreign = twin.issue("peer0", "org1.example", role=NodeRole.PEER)
    expired = authority.issue("peer0", "org1.example", role=NodeRole.PEER, validity=Validity.expired())
    peer = authority.issue("peer0", "org1.example", role=NodeRole.PEER)
    serial = peer.certificate.serial_number
    revoking = Membership(
        "Org1MSP",
        [authority.credential.certificate],
        revoked=[(peer.certificate.issuer.public_bytes(), serial)],
    )
    for member, certificate, why in (
        (known, client.certificate, "is no peer's"),
        (known, foreign.certificate, "no issuer"),
        (known, expired.certificate, "was not valid"),
        (known, authority.credential.certificate, "an authority's"),
        (revoking, peer.certificate, "is revoked"),
    ):
        with pytest.raises(ProofRefused, match=why):
            member.require(certificate, NodeUnit.PEER, at_ms=AT_MS)


def test_folders_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no CA certificate"):
        Membership.from_folder("Org1MSP", tmp_path)
    with pytest.raises(ConfigError, match="orderers"):
        FolderTrust(orderers={}, peers={"Org1MSP": tmp_path})
    (tmp_path / "cacerts").mkdir()
    (tmp_path / "cacerts" / "ca.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="cannot be read"):
        Membership.from_folder("Org1MSP", tmp_path)
