"""An identity together with the signer that speaks for it."""

from __future__ import annotations

from gridledger.client.connection import Connection
from gridledger.client.identity import Identity
from gridledger.client.private_key import open_private_key
from gridledger.client.signer import Signer
from gridledger.model.errors import ConfigError

__all__ = ["SigningIdentity"]


class SigningIdentity:
    """What every request is made in the name of and signed by.

    Parameters
    ----------
    identity : Identity
        Who speaks.
    signer : Signer, optional
        Who signs; without one, every step is signed offline.
    """

    __slots__ = ("_signer", "creator", "identity")

    def __init__(self, identity: Identity, signer: Signer | None = None) -> None:
        self.identity = identity
        self.creator = identity.creator
        self._signer = signer

    @classmethod
    def from_connection(cls, connection: Connection, signer: Signer | None = None) -> SigningIdentity:
        """Read certificate and key that a connection names.

        Parameters
        ----------
        connection : Connection
            Names them.
        signer : Signer, optional
            Signs in place of the connection's private key.

        Raises
        ------
        ConfigError
            When they cannot be read or are none.
        TokenError
            When the key lies in a PKCS#11 token that does not open, or has no such key.
        """
        certificate = connection.read("certificate") or b""
        identity = Identity(msp_id=connection.msp_id, certificate=certificate, source=connection.source)
        private_key = connection.read("private_key") if signer is None else None
        if private_key is None:
            return cls(identity, signer)
        return cls(identity, open_private_key(private_key, source=connection.source))

    async def sign(self, digest: bytes) -> bytes:
        """Sign a SHA-256 digest.

        Raises
        ------
        ConfigError
            When there is no signer: the step wants a signature made elsewhere.
        """
        if self._signer is None:
            raise ConfigError(
                "there is none; sign the digest elsewhere and hand the signature to Gateway.new_signed_…",
                key="signer",
                source="Gateway",
            )
        signature = self._signer.sign(digest)
        return signature if isinstance(signature, bytes) else await signature
