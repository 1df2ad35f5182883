"""A certificate together with its private key, as wallets keep them."""

from __future__ import annotations

from dataclasses import dataclass, field

from gridledger.client.identity import Identity
from gridledger.client.pem import Pem
from gridledger.client.signer import EcdsaSigner
from gridledger.model.errors import ConfigError

__all__ = ["Credentials"]


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What an identity speaks and signs with.

    Raises
    ------
    ConfigError
        When certificate or key are none, or do not belong together.
    """

    msp_id: str
    """MSP that the identity belongs to."""

    certificate: bytes
    """The certificate, PEM."""

    private_key: Pem = field(repr=False)
    """The private key, PEM, without password."""

    source: str = field(default="Credentials", compare=False, repr=False)
    """Where they came from, for error messages."""

    def __post_init__(self) -> None:
        if self.signer().public_numbers != self.identity().public_numbers:
            raise ConfigError("does not belong to the certificate", key="private_key", source=self.source)

    def identity(self) -> Identity:
        """Return the identity."""
        return Identity(msp_id=self.msp_id, certificate=self.certificate, source=self.source)

    def signer(self) -> EcdsaSigner:
        """Return the signer."""
        return EcdsaSigner(self.private_key.content, source=self.source)
