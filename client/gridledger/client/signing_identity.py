"""An identity together with the signer that speaks for it."""

from __future__ import annotations

from gridledger.client.identity import Identity
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
