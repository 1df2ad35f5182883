"""Membership: who belongs to an organisation, in which role, and whose signatures count."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.msp import identities_pb2, msp_principal_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.devnet.messages import signed, signer_of

from gridledger.network.authority import CertificateAuthority, NodeRole, Validity
from gridledger.network.devnet.block import Signer
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.identity import Identity, SignedData
from gridledger.network.devnet.msp import Msp, MspManager, msp_config_from_folder
from gridledger.network.material import OrganisationKind, OrganisationMaterial

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
Classification = msp_principal_pb2.MSPPrincipal.Classification
Role = msp_principal_pb2.MSPRole.MSPRoleType


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> OrganisationMaterial:
    made = OrganisationMaterial.create(tmp_path_factory.mktemp("org"), "org1", OrganisationKind.PEER)
    made.add_node("peer0")
    made.add_user("user1")
    made.add_user("boss", role=NodeRole.ADMIN)
    made.add_user("old", validity=Validity.expired())
    foreign = CertificateAuthority.create("ca.elsewhere", "elsewhere")
    made.add_user("foreign", issuer=foreign)
    impostor = CertificateAuthority.create(f"ca.{made.domain}", made.domain)
    made.add_user("impostor", issuer=impostor)
    return made


@pytest.fixture(scope="module")
def msps(org: OrganisationMaterial) -> MspManager:
    return MspManager([Msp(msp_config_from_folder(org.msp.path, org.msp_id))])


def _identity(msps: MspManager, signer: Signer) -> Identity:
    return msps.deserialize(signer.identity)


def _role(role: int, msp_id: str = "Org1MSP") -> msp_principal_pb2.MSPPrincipal:
    return msp_principal_pb2.MSPPrincipal(
        principal_classification=Classification.ROLE,
        principal=msp_principal_pb2.MSPRole(msp_identifier=msp_id, role=role).SerializeToString(),
    )


def _with_pem(org: OrganisationMaterial, pem: bytes) -> bytes:
    message = identities_pb2.SerializedIdentity(mspid=org.msp_id, id_bytes=pem)
    return bytes(message.SerializeToString())


@pytest.mark.parametrize(
    ("name", "role"), [("user1", Role.CLIENT), ("boss", Role.ADMIN), ("user1", Role.MEMBER)]
)
def test_member_satisfies_its_role(org: OrganisationMaterial, msps: MspManager, name: str, role: int) -> None:
    identity = _identity(msps, signer_of(org.user(name)))
    identity.validate()
    assert identity.msp.satisfies(identity, _role(role))


def test_peer_is_peer_and_no_client(org: OrganisationMaterial, msps: MspManager) -> None:
    identity = _identity(msps, signer_of(org.node("peer0")))
    assert identity.msp.satisfies(identity, _role(Role.PEER))
    assert not identity.msp.satisfies(identity, _role(Role.CLIENT))
    assert not identity.msp.satisfies(identity, _role(Role.ADMIN))
    assert not identity.msp.satisfies(identity, _role(Role.PEER, "Org2MSP"))


@pytest.mark.parametrize("name", ["foreign", "impostor"])
def test_certificate_of_another_authority_is_refused(
    org: OrganisationMaterial, msps: MspManager, name: str
) -> None:
    identity = _identity(msps, signer_of(org.user(name)))
    with pytest.raises(Refused, match="unknown authority"):
        identity.validate()
    with pytest.raises(Refused, match="unknown authority"):
        identity.validate()
    assert not identity.msp.satisfies(identity, _role(Role.MEMBER))


def test_expired_certificate_stays_valid_for_what_it_signed(
    org: OrganisationMaterial, msps: MspManager
) -> None:
    identity = _identity(msps, signer_of(org.user("old")))
    identity.validate()
    assert identity.expires_at < _identity(msps, signer_of(org.user("user1"))).expires_at


def test_authority_is_no_identity(org: OrganisationMaterial, msps: MspManager) -> None:
    identity = msps.deserialize(_with_pem(org, org.signing_authority().certificate_pem))
    with pytest.raises(Refused, match="Certificate Authority equals true"):
        identity.validate()


def test_certificate_without_a_node_ou_is_refused(org: OrganisationMaterial, msps: MspManager) -> None:
    credential = org.signing_authority().issue("nobody", org.domain)
    identity = msps.deserialize(_with_pem(org, credential.certificate_pem))
    with pytest.raises(Refused, match="does not have an OU"):
        identity.validate()


def test_organisational_unit_wants_the_certifier(org: OrganisationMaterial, msps: MspManager) -> None:
    identity = _identity(msps, signer_of(org.user("user1")))
    der = org.signing_authority().credential.certificate.public_bytes(Encoding.DER)
    for certifier, expected in ((hashlib.sha256(der).digest(), True), (b"\0" * 32, False)):
        principal = msp_principal_pb2.MSPPrincipal(
            principal_classification=Classification.ORGANIZATION_UNIT,
            principal=msp_principal_pb2.OrganizationUnit(
                msp_identifier="Org1MSP",
                organizational_unit_identifier="client",
                certifiers_identifier=certifier,
            ).SerializeToString(),
        )
        assert identity.msp.satisfies(identity, principal) is expected


def test_identity_principal_is_one_certificate(org: OrganisationMaterial, msps: MspManager) -> None:
    user, boss = signer_of(org.user("user1")), signer_of(org.user("boss"))
    principal = msp_principal_pb2.MSPPrincipal(
        principal_classification=Classification.IDENTITY, principal=user.identity
    )
    assert _identity(msps, user).msp.satisfies(_identity(msps, user), principal)
    assert not _identity(msps, boss).msp.satisfies(_identity(msps, boss), principal)


@given(st.binary(max_size=64), st.integers(0, 9))
def test_principal_that_is_garbage_is_satisfied_by_nobody(
    org: OrganisationMaterial, msps: MspManager, data: bytes, kind: int
) -> None:
    identity = _identity(msps, signer_of(org.node("peer0")))
    principal = msp_principal_pb2.MSPPrincipal(principal_classification=kind, principal=data)
    if kind != Classification.ANONYMITY:
        assert not identity.msp.satisfies(identity, principal)


def test_good_signature_is_accepted_again_and_a_changed_one_never(
    org: OrganisationMaterial, msps: MspManager
) -> None:
    good = signed(signer_of(org.user("user1")), b"data")
    for _ in range(2):
        assert msps.verify(good).msp_id == "Org1MSP"
    other = signed(signer_of(org.user("boss")), b"data")
    for bad in (
        good._replace(data=b"Data"),
        good._replace(signature=other.signature),
        good._replace(identity=other.identity),
        good._replace(signature=b""),
        good._replace(signature=good.signature[:-1]),
        good._replace(signature=b"\x30\x06\x02\x01\x00\x02\x01\x00"),
    ):
        with pytest.raises(Refused):
            msps.verify(bad)


def test_high_s_is_refused(org: OrganisationMaterial, msps: MspManager) -> None:
    good = signed(signer_of(org.user("user1")), b"data")
    r, s = decode_dss_signature(good.signature)
    high = good._replace(signature=encode_dss_signature(r, ORDER - s))
    key = org.user("user1").msp.signer().certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(high.signature, b"data", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(Refused, match="Invalid S"):
        msps.verify(high)


def test_signers_count_once_and_only_with_good_signatures(
    org: OrganisationMaterial, msps: MspManager
) -> None:
    user, boss = (signed(signer_of(org.user(name)), b"data") for name in ("user1", "boss"))
    bad = boss._replace(data=b"other")
    assert len(msps.signers([user, user, bad, SignedData(b"", b"\xff", b"")])) == 1
    assert len(msps.signers([bad, boss, user])) == 2


def test_unknown_msp_is_refused(org: OrganisationMaterial, msps: MspManager) -> None:
    message = identities_pb2.SerializedIdentity(
        mspid="Org9MSP", id_bytes=org.user("user1").msp.certificate.read_bytes()
    )
    with pytest.raises(Refused, match="MSP Org9MSP is not defined on channel"):
        msps.deserialize(message.SerializeToString())
    with pytest.raises(Refused, match="expected MSP ID Org2MSP, received Org1MSP"):
        msps.deserialize_own("Org2MSP", signer_of(org.user("user1")).identity)


@given(st.binary(max_size=300))
def test_garbage_is_no_identity(msps: MspManager, data: bytes) -> None:
    with pytest.raises(Refused):
        msps.deserialize(data)
    with pytest.raises(Refused):
        msps.deserialize(
            bytes(identities_pb2.SerializedIdentity(mspid="Org1MSP", id_bytes=data).SerializeToString())
        )


def test_folder_without_roots_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="no root"):
        msp_config_from_folder(tmp_path, "Org1MSP")
