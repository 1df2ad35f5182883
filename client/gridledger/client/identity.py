"""Who speaks: an X.509 certificate and the MSP that answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.msp import identities_pb2

from gridledger.crypto.certificate import load_certificate
from gridledger.model.errors import ConfigError

__all__ = ["Identity"]


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

    @cached_property
    def creator(self) -> bytes:
        """The bytes by which Fabric knows the identity (``msp.SerializedIdentity``)."""
        # Written anew, so that text around the PEM does not travel with every request.
        pem = self.x509.public_bytes(Encoding.PEM)
        message = identities_pb2.SerializedIdentity(mspid=self.msp_id, id_bytes=pem)
        return bytes(message.SerializeToString(deterministic=True))
