from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fabric_protos.msp import identities_pb2
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.errors import ModelError
from gridledger.shim.creator import ATTRIBUTES_OID, Creator, parse_creator
from gridledger.shim.testing import make_caller

# A name with every part, two OUs, two common names, and everything that is escaped.
CERTIFICATE = b"""\
-----BEGIN CERTIFICATE-----
MIICizCCAjGgAwIBAgIBBzAKBggqhkjOPQQDAjBQMQswCQYDVQQGEwJDTjEeMBwG
A1UECgwVb3JnMS5ncmlkbGVkZ2VyLmxvY2FsMSEwHwYDVQQDDBhjYS5vcmcxLmdy
aWRsZWRnZXIubG9jYWwwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBa
MIHgMQswCQYDVQQGEwJDTjEXMBUGA1UECAwOTmluZ3hpYSwgbm9ydGgxETAPBgNV
BAcMCCDpk7blt50gMR4wHAYDVQQJDBUjMSAiU3VuIiA8cm9hZD47IGVhc3QxDzAN
BgNVBBEMBjc1MDAwMDEMMAoGA1UECgwDQStCMQ8wDQYDVQQLDAZjbGllbnQxEjAQ
BgNVBAsMCW9yZzFcZGVwdDEOMAwGA1UEAwwFZmlyc3QxEDAOBgNVBAMMB21ldGVy
PTcxCzAJBgNVBAUTAjQyMRIwEAYJKoZIhvcNAQkBFgNhQGIwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAQpGdx2uWfLtXuDtF7nV3bQtWmY3CVEcDUYra+Lc6hG7/gQ
3cr1OOimHGdxWHpCWswxl7EaxvYIbAsMn1TpuhdSo2kwZzBlBggqAwQFBgcIAQRZ
eyJhdHRycyI6IHsiZ3JpZGxlZGdlci5yb2xlIjogImFnZW50LGF1ZGl0b3IiLCAi
aGYuQWZmaWxpYXRpb24iOiAiIiwgIlx1NTQwZCI6ICJcdTUwM2MifX0wCgYIKoZI
zj0EAwIDSAAwRQIhAJVbplQH4mr1BJBJazan4hWYDgQ341dmGjSRnapDa/RJAiBa
7GkTcNzqqf38xzjzrQzd9vFjQmGti/MvR4PDE4g1Xw==
-----END CERTIFICATE-----
"""

# What GetID of the official Go library says of it.
GO_ID = (
    "eDUwOTo6U0VSSUFMTlVNQkVSPTQyLENOPW1ldGVyPTcsT1U9Y2xpZW50K09VPW9yZzFcXGRlcHQsTz1BXCtCLFBPU1RBTENP"
    "REU9NzUwMDAwLFNUUkVFVD1cIzEgXCJTdW5cIiBcPHJvYWRcPlw7IGVhc3QsTD1cIOmTtuW3nVwgLFNUPU5pbmd4aWFcLCBu"
    "b3J0aCxDPUNOOjpDTj1jYS5vcmcxLmdyaWRsZWRnZXIubG9jYWwsTz1vcmcxLmdyaWRsZWRnZXIubG9jYWwsQz1DTg=="
)


def serialize(pem: bytes, msp_id: str = "Org1MSP") -> bytes:
    data: bytes = identities_pb2.SerializedIdentity(mspid=msp_id, id_bytes=pem).SerializeToString()
    return data


def certificate_with_attributes(value: bytes) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "user1")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=1))
        .add_extension(x509.UnrecognizedExtension(ATTRIBUTES_OID, value), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def test_id_is_that_of_the_official_go_library() -> None:
    assert parse_creator(serialize(CERTIFICATE)).id == GO_ID


def test_attributes_are_those_of_the_fabric_ca_extension() -> None:
    creator = parse_creator(serialize(CERTIFICATE))

    assert creator.msp_id == "Org1MSP"
    assert dict(creator.attributes) == {"gridledger.role": "agent,auditor", "hf.Affiliation": "", "名": "值"}
    assert creator.organizational_units == ("client", "org1\\dept")


def test_certificate_without_the_extension_has_no_attributes() -> None:
    assert parse_creator(serialize(certificate_with_attributes(b"{}"))).attributes == {}
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    bare = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    assert parse_creator(serialize(bare)).attributes == {}


@pytest.mark.parametrize(
    "value", [b"", b"\xff", b"{", b"[]", b'{"attrs":[]}', b'{"attrs":{"a":1}}', b'{"attrs":{"a":null}}', b"1"]
)
def test_malformed_attributes_are_refused(value: bytes) -> None:
    creator = parse_creator(serialize(certificate_with_attributes(value)))

    with pytest.raises(ModelError):
        _ = creator.attributes


@pytest.mark.parametrize("pem", [b"", b"no certificate", CERTIFICATE[:200]])
def test_identity_that_is_no_certificate_has_an_msp_and_nothing_else(pem: bytes) -> None:
    creator = parse_creator(serialize(pem))

    assert creator.msp_id == "Org1MSP"
    with pytest.raises(ModelError):
        _ = creator.certificate


@given(st.binary(max_size=200))
def test_any_bytes_are_a_creator_or_refused(data: bytes) -> None:
    try:
        creator = parse_creator(data)
    except ModelError:
        return
    with pytest.raises(ModelError):
        _ = creator.id


def test_creators_are_shared_and_cannot_be_changed() -> None:
    serialized = make_caller().serialized
    creator = parse_creator(serialized)

    assert parse_creator(serialized) is creator
    with pytest.raises(TypeError):
        creator.attributes["gridledger.role"] = "auditor"  # type: ignore[index]


def test_repr_shows_the_msp_only() -> None:
    assert repr(Creator(b"s", "Org1MSP", b"PEM")) == "Creator(msp_id='Org1MSP')"
