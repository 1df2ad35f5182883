"""Authorities from MSP folders."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from gridledger.model.errors import ConfigError
from gridledger.web.authorities import Authorities
from gridledger.web.errors import Fault, Unauthenticated

from .conftest import NOW

MOMENT = dt.datetime.fromtimestamp(NOW, dt.UTC)


def _write_msp(folder: Path, authority, *, revoked: x509.Certificate | None = None, by=None) -> Path:
    (folder / "cacerts").mkdir(parents=True)
    (folder / "cacerts" / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    if revoked is not None:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(revoked.serial_number)
            .revocation_date(MOMENT)
            .build()
        )
        signer = by or authority
        crl = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(signer.name)
            .last_update(MOMENT)
            .next_update(MOMENT + dt.timedelta(days=1))
            .add_revoked_certificate(entry)
            .sign(signer.key, hashes.SHA256())
        )
        (folder / "crls").mkdir()
        (folder / "crls" / "crl.pem").write_bytes(crl.public_bytes(Encoding.PEM))
    return folder


def test_folders_of_two_organisations_identify_their_members(world, tmp_path) -> None:
    authorities = Authorities.from_msp_folders(
        {
            "Org1MSP": _write_msp(tmp_path / "one", world.owner),
            "Org2MSP": _write_msp(tmp_path / "two", world.application),
        }
    )
    assert authorities.msp_ids == ("Org1MSP", "Org2MSP")
    certificate, _ = world.application.member(attributes={"role": "auditor"})
    caller = authorities.identify(certificate, at=MOMENT)
    assert (caller.msp_id, caller.attributes) == ("Org2MSP", {"role": "auditor"})


def test_revocation_list_of_the_folder_counts(world, tmp_path) -> None:
    good, _ = world.owner.member()
    bad, _ = world.owner.member()
    folder = _write_msp(tmp_path / "one", world.owner, revoked=bad)
    authorities = Authorities.from_msp_folders({"Org1MSP": folder})
    authorities.identify(good, at=MOMENT)
    with pytest.raises(Unauthenticated) as caught:
        authorities.identify(bad, at=MOMENT)
    assert caught.value.fields["reason"] == Fault.CERTIFICATE_REVOKED


def test_revocation_list_of_a_stranger_is_refused(world, tmp_path, make_authority) -> None:
    certificate, _ = world.owner.member()
    folder = _write_msp(tmp_path / "one", world.owner, revoked=certificate, by=make_authority("Org1MSP"))
    with pytest.raises(ConfigError):
        Authorities.from_msp_folders({"Org1MSP": folder})


def test_folder_without_certificates_is_refused(tmp_path) -> None:
    with pytest.raises(ConfigError):
        Authorities.from_msp_folders({"Org1MSP": tmp_path})
    (tmp_path / "cacerts").mkdir()
    (tmp_path / "cacerts" / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError):
        Authorities.from_msp_folders({"Org1MSP": tmp_path})


def test_authorities_that_are_none_are_refused(world) -> None:
    member, _ = world.owner.member()
    for certificates in (
        {},
        {"Org1MSP": []},
        {"Org1MSP": [member]},
        {"Org1MSP": [world.owner.certificate], "Org2MSP": [world.owner.certificate]},
    ):
        with pytest.raises(ConfigError):
            Authorities(certificates)


def test_member_of_an_expired_authority_is_refused(world) -> None:
    certificate, _ = world.owner.member(end=NOW + 10**9)
    world.authorities.identify(certificate, at=MOMENT)
    with pytest.raises(Unauthenticated) as caught:
        world.authorities.identify(certificate, at=MOMENT + dt.timedelta(seconds=2 * 10**7))
    assert caught.value.fields["reason"] == Fault.CERTIFICATE_OUT_OF_VALIDITY


def test_intermediate_identifies_and_root_alone_does_not(world, make_authority) -> None:
    root, intermediate = make_authority("Org4MSP"), make_authority("Intermediate")
    certificate, _ = intermediate.member()
    both = Authorities({"Org4MSP": [root.certificate, intermediate.certificate]})
    assert both.identify(certificate, at=MOMENT).msp_id == "Org4MSP"
    with pytest.raises(Unauthenticated):
        Authorities({"Org4MSP": [root.certificate]}).identify(certificate, at=MOMENT)
