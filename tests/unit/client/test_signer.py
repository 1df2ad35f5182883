"""Signatures and identities."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from fabric_protos.msp import identities_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.fakes import CERTIFICATE, KEY, KEY_PEM, SIGNER

from gridledger.client import Credentials, EcdsaSigner, Identity, Pem, low_s
from gridledger.model.errors import ConfigError

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def pem_of(key: object, password: bytes | None = None) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(  # type: ignore[attr-defined, no-any-return]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


@given(st.binary(max_size=64))
def test_signature_verifies_and_has_a_low_s(message: bytes) -> None:
    signature = SIGNER.sign(hashlib.sha256(message).digest())
    KEY.public_key().verify(signature, message, ec.ECDSA(hashes.SHA256()))
    _, s = utils.decode_dss_signature(signature)
    assert 0 < s <= ORDER // 2


@given(st.integers(1, ORDER - 1), st.integers(1, ORDER - 1))
def test_low_s_keeps_r_and_takes_the_smaller_of_both_s(r: int, s: int) -> None:
    found = utils.decode_dss_signature(low_s(utils.encode_dss_signature(r, s)))
    assert found == (r, min(s, ORDER - s))


def test_key_in_the_older_form_of_openssl_is_read() -> None:
    old = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    assert EcdsaSigner(old).public_numbers == SIGNER.public_numbers


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----",
        CERTIFICATE,
        pem_of(ec.generate_private_key(ec.SECP384R1())),
        pem_of(ed25519.Ed25519PrivateKey.generate()),
        pem_of(KEY, b"password"),
    ],
)
def test_key_of_another_kind_is_refused_and_not_shown(pem: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        EcdsaSigner(pem, source="key.pem")
    assert caught.value.fields == {"key": "private_key", "source": "key.pem", "value": None}
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_signer_and_identity_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(KEY_PEM)
    (tmp_path / "cert.pem").write_bytes(CERTIFICATE)
    assert EcdsaSigner.from_file(tmp_path / "key.pem").public_numbers == SIGNER.public_numbers
    assert Identity.from_file("Org1MSP", tmp_path / "cert.pem").public_numbers == SIGNER.public_numbers
    for read in (EcdsaSigner.from_file, lambda path: Identity.from_file("Org1MSP", path)):
        with pytest.raises(ConfigError) as caught:
            read(tmp_path / "none.pem")
        assert caught.value.fields["source"] == str(tmp_path / "none.pem")


def test_creator_holds_msp_and_certificate_without_text_around_it() -> None:
    identity = Identity(
        msp_id="Org1MSP", certificate=b"Bag attributes\r\n" + CERTIFICATE.replace(b"\n", b"\r\n")
    )
    creator = identities_pb2.SerializedIdentity.FromString(identity.creator)
    assert (creator.mspid, creator.id_bytes) == ("Org1MSP", CERTIFICATE)


@pytest.mark.parametrize(
    ("msp_id", "certificate", "key"),
    [
        ("", CERTIFICATE, "msp_id"),
        (None, CERTIFICATE, "msp_id"),
        ("O", b"", "certificate"),
        ("O", KEY_PEM, "certificate"),
    ],
)
def test_identity_that_is_none_is_refused(msp_id: str, certificate: bytes, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Identity(msp_id=msp_id, certificate=certificate)
    assert caught.value.fields["key"] == key


def test_key_of_another_certificate_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        Credentials(
            msp_id="O",
            certificate=CERTIFICATE,
            private_key=Pem(pem_of(ec.generate_private_key(ec.SECP256R1()))),
        )
    assert caught.value.fields["key"] == "private_key"
