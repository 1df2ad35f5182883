"""Certificate signing requests (PKCS 10) by any signer, one in a token or far away among them."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from typing import Any, Final, NoReturn, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gridledger.client.signer import Signer
from gridledger.model.errors import ConfigError

__all__ = ["RequestSigner", "certificate_request"]

_LONGEST_NAME: Final = 64
"""Characters of a common name (RFC 5280, appendix A.1)."""


class RequestSigner(Signer, Protocol):
    """A signer that knows its public key."""

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key, on P-256."""
        ...


async def certificate_request(name: str, signer: RequestSigner, *, hosts: Sequence[str] = ()) -> bytes:
    """Return a signing request.

    Parameters
    ----------
    name : str
        The common name: the enrolment's name, 1 to 64 characters. Fabric CA sets everything else itself.
    signer : RequestSigner
        Signs by the key that is to be certified.
    hosts : sequence of str, optional
        Host names and IP addresses for the subject's alternative names.

    Returns
    -------
    bytes
        PEM.

    Raises
    ------
    ConfigError
        When the name is too long or empty, or a host is none.

    Notes
    -----
    Built twice: once to learn the bytes to sign, once with the signature.
    """
    if not 0 < len(name) <= _LONGEST_NAME:
        raise ConfigError("want 1 to 64 characters", key="name", source="enrolment", value=name[:80])
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    learned = _GivenSignature(signer.public_key)
    builder.sign(learned, hashes.SHA256())
    signature = signer.sign(hashlib.sha256(learned.signed).digest())
    given = signature if isinstance(signature, bytes) else await signature
    return builder.sign(_GivenSignature(signer.public_key, given), hashes.SHA256()).public_bytes(Encoding.PEM)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host)
    except ValueError as error:
        raise ConfigError("want a host's name", key="hosts", source="enrolment", value=host[:80]) from error


class _GivenSignature(ec.EllipticCurvePrivateKey):
    """Stands for a key that is elsewhere: takes what is to be signed, gives a signature made before."""

    def __init__(self, public_key: ec.EllipticCurvePublicKey, signature: bytes = b"") -> None:
        self._public_key = public_key
        self._signature = signature
        self.signed = b""

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:  # noqa: ARG002
        self.signed = bytes(data)
        return self._signature

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public_key.curve

    @property
    def key_size(self) -> int:
        return self._public_key.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:  # noqa: ARG002
        raise TypeError("the key is elsewhere")

    def private_numbers(self) -> NoReturn:
        raise TypeError("the key is elsewhere")

    def private_bytes(self, encoding: Any, format: Any, encryption_algorithm: Any) -> NoReturn:  # noqa: A002, ARG002
        raise TypeError("the key is elsewhere")

    def __copy__(self) -> _GivenSignature:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> _GivenSignature:
        return self
