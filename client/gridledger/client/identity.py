"""Who speaks: an X.509 certificate and the MSP that answers for it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from fabric_protos.msp import identities_pb2

from gridledger.crypto.certificate import load_certificate
from gridledger.model.errors import ConfigError

__all__ = ["Identity"]

_ATTRIBUTES_OID: Final = x509.ObjectIdentifier("1.2.3.4.5.6.7.8.1")
"""The extension in which Fabric CA keeps an identity's attributes, as JSON."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A member of an organisation.

    Raises
    ------
    ConfigError
        When the MSP is not named or the certificate is not one X.509 certificate in PEM.
    """

    msp_id: str
    """Name of the membership service provider, such as ``Org1MSP``."""

    certificate: bytes
    """The certificate, PEM."""

    source: str = "Identity"
    """Where it came from, for error messages."""

    def __post_init__(self) -> None:
        if not isinstance(self.msp_id, str) or not self.msp_id:
            raise ConfigError(
                "want the name of an MSP", key="msp_id", source=self.source, value=repr(self.msp_id)[:80]
            )
        try:
            _ = self.x509
        except (TypeError, ValueError) as error:
            raise ConfigError(
                "want one X.509 certificate in PEM", key="certificate", source=self.source
            ) from error

    @classmethod
    def from_file(cls, msp_id: str, certificate: Path) -> Identity:
        """Read the certificate from a file.

        Parameters
        ----------
        msp_id : str
            Name of the membership service provider.
        certificate : Path
            PEM file.

        Raises
        ------
        ConfigError
            When the file cannot be read or holds no certificate.
        """
        try:
            pem = certificate.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}", key="certificate", source=str(certificate)
            ) from error
        return cls(msp_id=msp_id, certificate=pem, source=str(certificate))

    @cached_property
    def x509(self) -> x509.Certificate:
        """The parsed certificate."""
        return load_certificate(self.certificate)

    @property
    def public_numbers(self) -> tuple[int, int] | None:
        """The point of the public key; none when it is not on an elliptic curve."""
        try:
            key = self.x509.public_key()
        except (ValueError, UnsupportedAlgorithm):
            return None
        if not isinstance(key, EllipticCurvePublicKey):
            return None
        numbers = key.public_numbers()
        return numbers.x, numbers.y

    @property
    def common_name(self) -> str:
        """The certificate's common name: the name at its authority; ConfigError if there is not just one."""
        names = self.x509.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if len(names) != 1:
            raise ConfigError("want one common name", key="certificate", source=self.source)
        return str(names[0].value)

    @cached_property
    def attributes(self) -> Mapping[str, str]:
        """The attributes that Fabric CA put into the certificate; ConfigError when they cannot be read."""
        try:
            extension = self.x509.extensions.get_extension_for_oid(_ATTRIBUTES_OID).value
        except x509.ExtensionNotFound:
            return {}
        data = extension.value if isinstance(extension, x509.UnrecognizedExtension) else b""
        try:
            found = dict(json.loads(data)["attrs"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(
                "has attributes that cannot be read", key="certificate", source=self.source
            ) from error
        if not all(isinstance(one, str) for pair in found.items() for one in pair):
            raise ConfigError("has attributes that are no text", key="certificate", source=self.source)
        return found

    @property
    def serial(self) -> str:
        """The certificate's serial number, hexadecimal, as Fabric CA writes it."""
        return f"{self.x509.serial_number:x}"

    @property
    def authority_key(self) -> str:
        """Identifier of the issuer's key, hexadecimal, as Fabric CA writes it; empty where there is none."""
        try:
            value = self.x509.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        except x509.ExtensionNotFound:
            return ""
        return (value.key_identifier or b"").hex().lstrip("0")

    @cached_property
    def creator(self) -> bytes:
        """The bytes by which Fabric knows the identity (``msp.SerializedIdentity``)."""
        # Written anew, so that text around the PEM does not travel with every request.
        pem = self.x509.public_bytes(Encoding.PEM)
        message = identities_pb2.SerializedIdentity(mspid=self.msp_id, id_bytes=pem)
        return bytes(message.SerializeToString(deterministic=True))
