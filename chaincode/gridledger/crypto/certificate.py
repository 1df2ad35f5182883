"""X.509 certificates that anybody may have sent: one that cannot be read is a ValueError, always."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cryptography import x509

__all__ = ["load_certificate", "load_certificates", "load_der_certificate"]

_UNREADABLE: Final = (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
"""What `cryptography` raises besides ValueError, and from no base of its own."""


def load_certificate(pem: bytes) -> x509.Certificate:
    """Read the first certificate of a PEM text; ValueError if that cannot be read."""
    with _value_errors():
        return _whole(x509.load_pem_x509_certificate(pem))


def load_certificates(pem: bytes) -> list[x509.Certificate]:
    """Read all certificates of a PEM text, at least one; ValueError if one cannot be read."""
    with _value_errors():
        return [_whole(one) for one in x509.load_pem_x509_certificates(pem)]


def load_der_certificate(der: bytes) -> x509.Certificate:
    """Read a certificate in DER; ValueError if it cannot be read."""
    with _value_errors():
        return _whole(x509.load_der_x509_certificate(der))


def _whole(certificate: x509.Certificate) -> x509.Certificate:
    """Read what is otherwise read only when it is asked for."""
    certificate.version, certificate.subject, certificate.issuer, certificate.extensions  # noqa: B018
    return certificate


@contextmanager
def _value_errors() -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise ValueError(str(error)) from error
