"""Private keys as wallets, folders and connections hold them: a key in PEM, or where it lies in a token."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gridledger.client.pem import Pem
from gridledger.client.signer import EcdsaSigner
from gridledger.client.token_signer import TokenSigner
from gridledger.client.token_uri import TokenUri
from gridledger.model.errors import ConfigError

__all__ = ["KeySigner", "new_private_key", "open_private_key", "read_private_key"]

KeySigner: TypeAlias = EcdsaSigner | TokenSigner


def new_private_key() -> Pem:
    """Return a new key on P-256, PKCS 8, without password."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Pem(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def open_private_key(private_key: Pem | bytes, *, source: str = "open_private_key") -> KeySigner:
    """Return the signer of a key.

    Parameters
    ----------
    private_key : Pem or bytes
        The key without password, or a ``PKCS#11 PROVIDER URI``.
    source : str, optional
        Where it came from, for error messages.

    Raises
    ------
    ConfigError
        When it is neither, or the token's PIN or module is not named.
    TokenError
        When the token does not open, or has no such key.
    """
    content = private_key.content if isinstance(private_key, Pem) else private_key
    if TokenUri.is_pem(content):
        return TokenSigner(TokenUri.from_pem(content, source=source))
    return EcdsaSigner(content, source=source)


def read_private_key(path: Path) -> KeySigner:
    """Return the signer of a key in a file; raises as `open_private_key`, ConfigError if it is not there."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="private_key", source=str(path)) from error
    return open_private_key(content, source=str(path))
