"""Key wrapping, and sealing of texts, to a recipient's X25519 key by HPKE (RFC 9180).

    suite     base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; single shot, no associated data
    wrapped   encapsulated key (32 bytes) ‖ sealed key (48 bytes)
    sealed    encapsulated key (32 bytes) ‖ sealed text (16 bytes longer than the text)

Base mode does not say who wrapped: that is proven by what carries the wrapped key (a signed transaction).
What it was wrapped for stands in `info`; under another info it does not open.
"""

from __future__ import annotations

from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gridledger.crypto.errors import KeyMalformed, WrappingBroken
from gridledger.crypto.secret_key import KEY_BYTES, SecretKey

__all__ = ["WRAPPED_BYTES", "RecipientKey", "RecipientSecret", "open_sealed", "seal_to", "unwrap", "wrap"]

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
WRAPPED_BYTES = 32 + KEY_BYTES + 16


class RecipientKey:
    """The public key to which keys are wrapped.

    Parameters
    ----------
    raw : bytes of length 32
        The X25519 public key as RFC 7748 writes it.

    Raises
    ------
    KeyMalformed
        `raw` is no such key, or one of the few to which every secret key leads to the same shared secret.
    """

    __slots__ = ("_key", "raw")

    def __init__(self, raw: bytes) -> None:
        try:
            self._key = X25519PublicKey.from_public_bytes(raw)
            # The exchange refuses points of small order, whatever the other side's secret.
            X25519PrivateKey.generate().exchange(self._key)
        except ValueError as error:
            raise KeyMalformed("this is no X25519 public key to wrap to") from error
        self.raw = bytes(raw)
        """The 32 bytes."""

    def __repr__(self) -> str:
        return f"RecipientKey({self.raw.hex()!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RecipientKey) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash((RecipientKey, self.raw))


class RecipientSecret:
    """The secret key with which wrapped keys are opened.

    Parameters
    ----------
    secret : SecretKey
        The X25519 private key as RFC 7748 writes it.
    """

    __slots__ = ("_key", "public")

    def __init__(self, secret: SecretKey) -> None:
        self._key = X25519PrivateKey.from_private_bytes(secret.reveal())
        self.public = RecipientKey(self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        """What the others wrap to."""

    def __repr__(self) -> str:
        return f"RecipientSecret(public={self.public.raw.hex()!r})"

    @classmethod
    def generate(cls) -> Self:
        """Draw a key pair."""
        key = X25519PrivateKey.generate()
        return cls(SecretKey(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())))


def seal_to(text: bytes, recipient: RecipientKey, *, info: bytes) -> bytes:
    """Seal a text so that only the recipient opens it.

    Parameters
    ----------
    text : bytes
        What is sealed; its length can be seen.
    recipient : RecipientKey
        Who is to open it.
    info : bytes
        What it is for; the recipient must name the same.

    Returns
    -------
    bytes of length ``len(text) + 48``
    """
    return SUITE.encrypt(text, recipient._key, info)  # noqa: SLF001 (a pair of this module)


def open_sealed(sealed: bytes, secret: RecipientSecret, *, info: bytes) -> bytes:
    """Open a text that was sealed to this recipient.

    Raises
    ------
    WrappingBroken
        It was sealed to another key or for something else, or its bytes were changed.
    """
    try:
        return SUITE.decrypt(sealed, secret._key, info)  # noqa: SLF001
    except (InvalidTag, ValueError) as error:
        raise WrappingBroken("what was sealed does not open") from error


def wrap(secret: SecretKey, recipient: RecipientKey, *, info: bytes) -> bytes:
    """Seal a key so that only the recipient opens it.

    Parameters
    ----------
    secret : SecretKey
        The key to hand over.
    recipient : RecipientKey
        Who is to open it.
    info : bytes
        What it is for; the recipient must name the same.

    Returns
    -------
    bytes of length 80
    """
    return seal_to(secret.reveal(), recipient, info=info)


def unwrap(wrapped: bytes, secret: RecipientSecret, *, info: bytes) -> SecretKey:
    """Open a wrapped key.

    Raises
    ------
    WrappingBroken
        It was wrapped to another key or for something else, or its bytes were changed.
    """
    if len(wrapped) != WRAPPED_BYTES:
        raise WrappingBroken(f"a wrapped key has {WRAPPED_BYTES} bytes, not {len(wrapped)}")
    return SecretKey(open_sealed(wrapped, secret, info=info))
