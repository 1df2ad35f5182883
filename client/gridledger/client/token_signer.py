"""A signer whose key lies in a PKCS#11 token and never leaves it."""

from __future__ import annotations

import asyncio
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric import ec, utils

from gridledger.client.pem import Pem
from gridledger.client.signer import low_s
from gridledger.client.token_errors import TokenError, TokenKeyMissing, TokenMissing
from gridledger.client.token_session import TokenSession, read_pin
from gridledger.client.token_uri import TokenUri
from gridledger.model.errors import ConfigError

__all__ = ["TokenSigner"]

_DIGEST_BYTES: Final = 32


class TokenSigner:
    """ECDSA over P-256 with low s, by a key in a token.

    Parameters
    ----------
    uri : TokenUri
        Names module, token and key; the PIN comes from the file that it names, or from the environment.

    Raises
    ------
    ConfigError
        When there is no PIN or no module.
    TokenError
        When the token does not open, or has no such key.

    Notes
    -----
    The token is opened at once, so that a wrong PIN is told before anything is signed; a PIN that was refused
    is not tried again by this process, since tokens lock themselves after a few. Signing runs in a thread: a
    token may take milliseconds, one behind a network longer.
    """

    def __init__(self, uri: TokenUri) -> None:
        self.uri = uri
        self._pin = read_pin(uri)
        self._session = TokenSession.of(uri)
        self._key, self._public_key = self._find()

    def __repr__(self) -> str:
        return f"TokenSigner({str(self.uri)!r})"

    @classmethod
    def generate(cls, uri: TokenUri, label: str) -> Self:
        """Make a new key in a token.

        Parameters
        ----------
        uri : TokenUri
            Names the token.
        label : str
            The key's label; its identifier follows from its public key, as Fabric's own programs have it.

        Raises
        ------
        ConfigError, TokenError
            As for the class; TokenError when there is a key of this label.
        """
        identifier, _ = TokenSession.of(uri).generate(label, read_pin(uri))
        return cls(uri.with_key(label=label, identifier=identifier))

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key.

        Raises
        ------
        TokenKeyMissing
            When the token keeps the private key alone.
        """
        if self._public_key is None:
            raise TokenKeyMissing(
                "does not keep the public key beside the private", token=self.uri.token_name
            )
        return self._public_key

    @property
    def public_numbers(self) -> tuple[int, int] | None:
        """The point of the public key; none when the token does not keep it."""
        if self._public_key is None:
            return None
        numbers = self._public_key.public_numbers()
        return numbers.x, numbers.y

    def private_key(self) -> Pem:
        """Return what stands for the private key in wallets and folders: the key's URI as PEM, no secret."""
        return Pem(self.uri.to_pem())

    async def sign(self, digest: bytes, /) -> bytes:
        """Sign a SHA-256 digest; see `Signer.sign`.

        Raises
        ------
        ConfigError
            When the digest has another length.
        TokenError
            When the token refuses or was taken out; one that is back signs again.
        """
        if len(digest) != _DIGEST_BYTES:
            raise ConfigError("want 32 bytes", key="digest", source="TokenSigner")
        return await asyncio.to_thread(self._sign, bytes(digest))

    def _sign(self, digest: bytes) -> bytes:
        try:
            if self._key is None:
                self._key, _ = self._find()
            signature = self._session.sign(self._key, digest, self._pin)
        except TokenMissing:
            # Handles end with the session: the next signature looks the key up again.
            self._key = None
            raise
        half = len(signature) // 2
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        if not r or not s:
            raise TokenError("gave zeros for a signature", token=self.uri.token_name)
        return low_s(utils.encode_dss_signature(r, s))

    def _find(self) -> tuple[Any, ec.EllipticCurvePublicKey | None]:
        return self._session.find(self.uri, self._pin)
