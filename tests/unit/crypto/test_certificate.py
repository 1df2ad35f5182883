"""Certificates of strangers: read, or a ValueError."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gridledger.crypto.certificate import load_certificate, load_certificates, load_der_certificate


def _made() -> x509.Certificate:
    key = ec.derive_private_key(7, ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, day, day + dt.timedelta(1))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256())


MADE = _made()
DER = MADE.public_bytes(Encoding.DER)
PEM = MADE.public_bytes(Encoding.PEM)
_VERSION = DER.index(bytes.fromhex("a003020102")) + 4


def test_certificates_are_read() -> None:
    assert load_certificate(PEM) == load_der_certificate(DER) == MADE
    assert load_certificates(PEM + PEM) == [MADE, MADE]


@pytest.mark.parametrize("read", [load_certificate, load_certificates, load_der_certificate])
@pytest.mark.parametrize("data", [b"", b"\x00", b"-----BEGIN CERTIFICATE-----\n", PEM[:-60], DER[:-1]])
def test_what_is_none_is_refused(read: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(ValueError):
        read(data)


def test_unknown_version_and_repeated_extension_are_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        load_der_certificate(DER[:_VERSION] + b"\x0a" + DER[_VERSION + 1 :])
    (extension,) = MADE.extensions
    encoded = bytes.fromhex("300c0603551d130101ff04023000")
    assert extension.critical
    assert DER.count(encoded) == 1
    at = DER.index(encoded)
    outer = bytearray(DER[:at] + encoded + DER[at:])
    grown = len(encoded)
    # The lengths of the extensions' list and its tag, of what is signed, and of the certificate.
    for place in (at - 1, at - 3, 6, 3):
        outer[place] += grown
    with pytest.raises(ValueError, match=r"[Dd]uplicate"):
        load_der_certificate(bytes(outer))


@given(place=st.integers(0, len(DER) - 1), byte=st.integers(0, 255))
def test_any_changed_byte_is_read_or_refused(place: int, byte: int) -> None:
    try:
        load_der_certificate(DER[:place] + bytes([byte]) + DER[place + 1 :])
    except ValueError:
        return
