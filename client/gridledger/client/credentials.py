"""A certificate together with its private key, as wallets keep them."""

from __future__ import annotations

from dataclasses import dataclass, field

from gridledger.client.identity import Identity
from gridledger.client.pem import Pem
from gridledger.client.private_key import KeySigner, open_private_key
from gridledger.client.token_uri import TokenUri
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
    """The private key, PEM, without password; or where it lies in a PKCS#11 token."""

    source: str = field(default="Credentials", compare=False, repr=False)
    """Where they came from, for error messages."""

    def __post_init__(self) -> None:
        if TokenUri.is_pem(self.private_key.content):
            # The token is opened by who signs, not by who lists a wallet.
            TokenUri.from_pem(self.private_key.content, source=self.source)
            self.identity()
        else:
            self.signer()

    def identity(self) -> Identity:
        """Return the identity."""
        return Identity(msp_id=self.msp_id, certificate=self.certificate, source=self.source)

    def signer(self) -> KeySigner:
        """Return the signer; a token is opened.

        Raises
        ------
        ConfigError
            When the key does not belong to the certificate.
        TokenError
            When it lies in a token that does not open, or has no such key.
        """
        signer = open_private_key(self.private_key, source=self.source)
        if signer.public_numbers not in (None, self.identity().public_numbers):
            raise ConfigError("does not belong to the certificate", key="private_key", source=self.source)
        return signer
