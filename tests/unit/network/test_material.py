"""Key material: what Fabric reads from it, what leads to which root, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gridledger.network.authority import (
    ATTRIBUTES_OID,
    CertificateAuthority,
    Credential,
    NodeRole,
    Validity,
)
from gridledger.network.errors import MaterialError, UnknownComponent
from gridledger.network.material import OrganisationKind, OrganisationMaterial

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def org1(tmp_path: Path) -> OrganisationMaterial:
    return OrganisationMaterial.create(tmp_path, "org1", OrganisationKind.PEER)


def _unit(certificate: x509.Certificate) -> list[str | bytes]:
    return [
        part.value for part in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    ]


def test_organisation_created_has_the_samples_tree(tmp_path: Path) -> None:
    org1 = OrganisationMaterial.create(tmp_path, "org1", OrganisationKind.PEER)
    org1.add_node("peer0")
    org1.add_user("user1")
    base = tmp_path / "peerOrganizations" / "org1.gridledger.local"
    assert org1.path == base
    assert org1.msp_id == "Org1MSP"
    peer = base / "peers" / "peer0.org1.gridledger.local"
    user = base / "users" / "user1@org1.gridledger.local"
    for path in (
        base / "ca" / "ca.org1.gridledger.local-cert.pem",
        base / "ca" / "priv_sk",
        base / "tlsca" / "tlsca.org1.gridledger.local-cert.pem",
        base / "msp" / "cacerts" / "ca.org1.gridledger.local-cert.pem",
        base / "msp" / "tlscacerts" / "tlsca.org1.gridledger.local-cert.pem",
        base / "msp" / "config.yaml",
        peer / "msp" / "signcerts" / "peer0.org1.gridledger.local-cert.pem",
        peer / "msp" / "keystore" / "priv_sk",
        peer / "tls" / "server.crt",
        peer / "tls" / "server.key",
        peer / "tls" / "ca.crt",
        user / "msp" / "signcerts" / "user1@org1.gridledger.local-cert.pem",
        user / "msp" / "config.yaml",
        user / "tls" / "client.crt",
        user / "tls" / "client.key",
    ):
        assert path.is_file(), path
    assert not list(tmp_path.rglob(".*"))


def test_orderer_organisation_created_has_orderers(tmp_path: Path) -> None:
    organisation = OrganisationMaterial.create(tmp_path, "orderer1", OrganisationKind.ORDERER)
    orderer = organisation.add_node("orderer0")
    assert orderer.path.relative_to(tmp_path).as_posix() == (
        "ordererOrganizations/orderer1.gridledger.local/orderers/orderer0.orderer1.gridledger.local"
    )
    assert _unit(orderer.msp.signer().certificate) == ["orderer"]


def test_keys_written_are_readable_by_their_owner_alone(org1: OrganisationMaterial) -> None:
    org1.add_node("peer0")
    org1.add_user("user1")
    keys = [path for path in org1.path.rglob("*") if path.name == "priv_sk" or path.suffix == ".key"]
    assert len(keys) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in keys} == {0o600}


def test_node_ous_written_name_every_role_and_an_existing_root(org1: OrganisationMaterial) -> None:
    config = yaml.safe_load((org1.msp.path / "config.yaml").read_text())["NodeOUs"]
    assert config.pop("Enable") is True
    assert {part["OrganizationalUnitIdentifier"] for part in config.values()} == {
        role.value for role in NodeRole
    }
    assert set(config) == {
        "ClientOUIdentifier",
        "PeerOUIdentifier",
        "AdminOUIdentifier",
        "OrdererOUIdentifier",
    }
    for part in config.values():
        assert (org1.msp.path / part["Certificate"]).is_file()


@pytest.mark.parametrize("role", [NodeRole.CLIENT, NodeRole.ADMIN])
def test_user_added_carries_role_and_leads_to_the_signing_root(
    org1: OrganisationMaterial, role: NodeRole
) -> None:
    certificate = org1.add_user("somebody", role=role).msp.signer().certificate
    assert _unit(certificate) == [role.value]
    certificate.verify_directly_issued_by(org1.signing_authority().credential.certificate)
    with pytest.raises((ValueError, InvalidSignature)):
        certificate.verify_directly_issued_by(org1.tls_authority().credential.certificate)


def test_peer_added_has_names_to_be_reached_by(org1: OrganisationMaterial) -> None:
    peer = org1.add_node("peer0")
    certificate = x509.load_pem_x509_certificate(peer.tls_certificate.read_bytes())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(peer.tls_root.read_bytes()))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["peer0.org1.gridledger.local", "peer0", "localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {use.dotted_string for use in usage} == {"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"}


def test_user_tls_certificate_is_for_clients_only(org1: OrganisationMaterial) -> None:
    certificate = x509.load_pem_x509_certificate(org1.add_user("user1").tls_certificate.read_bytes())
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [use.dotted_string for use in usage] == ["1.3.6.1.5.5.7.3.2"]


def test_attributes_given_stand_in_the_extension_of_fabric_ca(org1: OrganisationMaterial) -> None:
    member = org1.add_user("auditor1", attributes={"role": "auditor", "area": "88.1042"})
    extension = member.msp.signer().certificate.extensions.get_extension_for_oid(ATTRIBUTES_OID)
    assert not extension.critical
    assert isinstance(extension.value, x509.UnrecognizedExtension)
    assert json.loads(extension.value.value) == {"attrs": {"role": "auditor", "area": "88.1042"}}


def test_no_attributes_leave_no_extension(org1: OrganisationMaterial) -> None:
    extensions = org1.add_user("user1").msp.signer().certificate.extensions
    with pytest.raises(x509.ExtensionNotFound):
        extensions.get_extension_for_oid(ATTRIBUTES_OID)


def test_signatures_of_issued_certificates_have_a_low_s() -> None:
    authority = CertificateAuthority.create("ca.example", "example")
    certificates = [authority.issue(f"user{i}", "example").certificate for i in range(20)]
    for certificate in [authority.credential.certificate, *certificates]:
        assert decode_dss_signature(certificate.signature)[1] <= P256_ORDER // 2


def test_expired_user_ends_in_the_past_and_begins_after_its_root(org1: OrganisationMaterial) -> None:
    certificate = org1.add_user("late", validity=Validity.expired()).msp.signer().certificate
    now = dt.datetime.now(dt.UTC)
    assert certificate.not_valid_after_utc < now
    assert (
        certificate.not_valid_before_utc
        > org1.signing_authority().credential.certificate.not_valid_before_utc
    )


def test_foreign_user_does_not_lead_to_the_organisations_root(
    tmp_path: Path, org1: OrganisationMaterial
) -> None:
    foreign = CertificateAuthority.create("ca.org1.gridledger.local", "org1.gridledger.local")
    certificate = org1.add_user("mallory", issuer=foreign).msp.signer().certificate
    certificate.verify_directly_issued_by(foreign.credential.certificate)
    with pytest.raises(InvalidSignature):
        certificate.verify_directly_issued_by(org1.signing_authority().credential.certificate)


def test_organisation_that_exists_is_refused(tmp_path: Path, org1: OrganisationMaterial) -> None:
    with pytest.raises(MaterialError, match="exists"):
        OrganisationMaterial.create(tmp_path, "org1", OrganisationKind.PEER)


def test_member_that_exists_is_refused(org1: OrganisationMaterial) -> None:
    before = org1.add_user("user1").msp.certificate.read_bytes()
    with pytest.raises(MaterialError, match="exists"):
        org1.add_user("user1")
    assert org1.user("user1").msp.certificate.read_bytes() == before


@given(name=st.text().filter(lambda text: not text.isascii() or not text.isalnum() or not text[:1].islower()))
def test_organisation_name_outside_the_rule_is_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    root = tmp_path_factory.mktemp("organizations")
    with pytest.raises(MaterialError):
        OrganisationMaterial.create(root, name, OrganisationKind.PEER)
    assert not list(root.iterdir())


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../user1", "a/b", "a\0b", "-x", "a b", "x" * 64, "üser", ".hidden"]
)
def test_member_name_outside_the_rule_is_refused(org1: OrganisationMaterial, name: str) -> None:
    with pytest.raises(MaterialError):
        org1.add_user(name)
    with pytest.raises(UnknownComponent):
        org1.user(name)
    assert org1.users() == []


def test_unknown_user_is_refused_with_the_known_ones(org1: OrganisationMaterial) -> None:
    org1.add_user("user1")
    with pytest.raises(UnknownComponent) as caught:
        org1.user("user2")
    assert caught.value.fields["known"] == ["user1"]


def test_key_of_another_certificate_is_refused(org1: OrganisationMaterial) -> None:
    one, other = org1.add_user("one").msp, org1.add_user("other").msp
    with pytest.raises(MaterialError, match="not the key"):
        Credential.load(one.certificate, other.key)


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_malformed_key_file_is_refused(org1: OrganisationMaterial, data: bytes) -> None:
    folder = org1.add_user("user1").msp
    folder.key.write_bytes(data)
    with pytest.raises(MaterialError):
        folder.signer()


def test_missing_key_file_is_refused(org1: OrganisationMaterial) -> None:
    folder = org1.add_user("user1").msp
    folder.key.unlink()
    with pytest.raises(MaterialError):
        folder.signer()


def test_credential_shows_no_key(org1: OrganisationMaterial) -> None:
    credential = org1.add_user("user1").msp.signer()
    secret = format(credential.key.private_numbers().private_value, "x")
    assert "key=" not in repr(credential)
    assert secret not in repr(credential)


def test_validity_without_time_zone_or_order_is_refused() -> None:
    naive = dt.datetime(2030, 1, 1)  # noqa: DTZ001
    aware = naive.replace(tzinfo=dt.UTC)
    with pytest.raises(MaterialError, match="time zone"):
        Validity(not_before=naive, not_after=aware)
    with pytest.raises(MaterialError, match="before it ends"):
        Validity(not_before=aware, not_after=aware)
