"""New certificates and roots for an organisation: staged, taken, and gone on with after a crash."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from gridledger.network.authority import ATTRIBUTES_OID, Credential, NodeRole
from gridledger.network.devnet.msp import Msp, msp_config_from_folder
from gridledger.network.errors import MaterialError
from gridledger.network.material import Member, OrganisationKind, OrganisationMaterial
from gridledger.network.renewal import MemberRenewal, members_of
from gridledger.network.roots import RootExchange


@pytest.fixture
def organisation(tmp_path: Path) -> OrganisationMaterial:
    made = OrganisationMaterial.create(tmp_path, "org1", OrganisationKind.PEER)
    made.add_node("peer0")
    made.add_user("admin", role=NodeRole.ADMIN)
    made.add_user("user1", attributes={"role": "agent"})
    return made


def _certificates(member: Member) -> tuple[bytes, bytes]:
    return member.msp.certificate.read_bytes(), member.tls_certificate.read_bytes()


def _renew(organisation: OrganisationMaterial) -> None:
    for member in members_of(organisation):
        renewal = MemberRenewal(organisation=organisation, member=member)
        renewal.stage()
        renewal.take()


def test_members_renewed_keep_role_attributes_and_hosts(organisation: OrganisationMaterial) -> None:
    before = {member.name: _certificates(member) for member in members_of(organisation)}
    assert list(before) == [
        "admin@org1.gridledger.local",
        "user1@org1.gridledger.local",
        "peer0.org1.gridledger.local",
    ]
    _renew(organisation)
    msp = Msp(msp_config_from_folder(organisation.msp.path, organisation.msp_id))
    for member in members_of(organisation):
        old = [x509.load_pem_x509_certificate(pem) for pem in before[member.name]]
        new = [x509.load_pem_x509_certificate(pem) for pem in _certificates(member)]
        for one, other in zip(old, new, strict=True):
            assert one.subject == other.subject
            assert one.public_key() != other.public_key()
        msp.check(msp.deserialize(member.msp.certificate.read_bytes()))
        Credential.load(member.tls_certificate, member.tls_key)
        assert member.tls_key.stat().st_mode & 0o777 == 0o600
        assert member.tls_root.read_bytes() == organisation.tls_root.read_bytes()
    user = x509.load_pem_x509_certificate(organisation.user("user1").msp.certificate.read_bytes())
    assert b"agent" in user.extensions.get_extension_for_oid(ATTRIBUTES_OID).value.value  # type: ignore[attr-defined]
    peer = x509.load_pem_x509_certificate(organisation.node("peer0").tls_certificate.read_bytes())
    names = peer.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert not list(organisation.path.rglob(".*"))


def test_renewal_cut_off_goes_on_with_what_was_staged(organisation: OrganisationMaterial) -> None:
    member = organisation.user("user1")
    renewal = MemberRenewal(organisation=organisation, member=member)
    staged = renewal.stage().msp.certificate.read_bytes()
    assert renewal.stage().msp.certificate.read_bytes() == staged
    # Cut off between the two renames: the old folder is aside, the new one not yet in its place.
    member.path.replace(member.path.with_name(f".{member.path.name}.old"))
    assert member.name in [one.name for one in members_of(organisation)]
    renewal.stage()
    renewal.take()
    assert member.msp.certificate.read_bytes() == staged
    renewal.take()
    assert member.msp.certificate.read_bytes() == staged


def test_roots_added_count_beside_the_old_ones_until_they_are_dropped(
    organisation: OrganisationMaterial,
) -> None:
    exchange = RootExchange(organisation=organisation)
    old = organisation.user("user1").msp.certificate.read_bytes()
    first = organisation.signing_authority().certificate_pem
    exchange.add()
    assert exchange.is_open
    exchange.add()
    second = organisation.signing_authority().certificate_pem
    assert first != second
    config = msp_config_from_folder(organisation.msp.path, organisation.msp_id)
    assert (len(config.root_certs), len(config.tls_root_certs)) == (2, 2)
    for member in members_of(organisation):
        assert member.tls_root.read_bytes().count(b"BEGIN CERTIFICATE") == 2
    late = organisation.add_user("late")
    assert late.tls_root.read_bytes().count(b"BEGIN CERTIFICATE") == 2
    with pytest.raises(MaterialError, match="rotate first"):
        exchange.drop()
    _renew(organisation)
    both = Msp(config)
    for pem in (old, organisation.user("user1").msp.certificate.read_bytes()):
        both.check(both.deserialize(pem))
    exchange.drop()
    exchange.drop()
    assert not exchange.is_open
    only = Msp(msp_config_from_folder(organisation.msp.path, organisation.msp_id))
    only.check(only.deserialize(organisation.user("user1").msp.certificate.read_bytes()))
    with pytest.raises(Exception, match=r"chain|authority|root|signed"):
        only.check(only.deserialize(old))
    new = x509.load_pem_x509_certificate(organisation.user("user1").msp.certificate.read_bytes())
    with pytest.raises(InvalidSignature):
        new.verify_directly_issued_by(x509.load_pem_x509_certificate(first))
