"""Signatures: over a digest, here or in a device elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gridledger.model.errors import ConfigError

__all__ = ["EcdsaSigner", "Signer", "low_s"]

# Order of P-256 (SEC 2, section 2.4.2).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HALF_ORDER = _ORDER >> 1
_PREHASHED_SHA256 = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


class Signer(Protocol):
    """Whatever can sign a digest: a key in memory, an HSM, a person with a smart card."""

    def sign(self, digest: bytes, /) -> bytes | Awaitable[bytes]:
        """Sign.

        Parameters
        ----------
        digest : bytes of length 32
            SHA-256 of the message.

        Returns
        -------
        bytes, or an awaitable of them
            ASN.1 DER of an ECDSA signature whose s is at most half the order; `low_s` makes it so.
        """
        ...


def low_s(signature: bytes) -> bytes:
    """Return an equivalent P-256 signature whose s is at most half the order: Fabric accepts no other.

    Parameters
    ----------
    signature : bytes
        ASN.1 DER of an ECDSA signature over P-256, such as an HSM gives.

    Raises
    ------
    ValueError
        When the bytes are no such signature.
    """
    r, s = utils.decode_dss_signature(signature)
    return signature if s <= _HALF_ORDER else utils.encode_dss_signature(r, _ORDER - s)


class EcdsaSigner:
    """ECDSA over P-256 with SHA-256 and low s, with a key in memory.

    Parameters
    ----------
    private_key : bytes
        PEM, without password.
    source : str, optional
        Where it came from, for error messages.

    Raises
    ------
    ConfigError
        When the bytes are no P-256 key; the message holds none of them.
    """

    def __init__(self, private_key: bytes, *, source: str = "EcdsaSigner") -> None:
        try:
            key = load_pem_private_key(private_key, password=None)
        except (TypeError, ValueError, UnsupportedAlgorithm):
            # Not chained: the parser's words may quote what it was given.
            raise ConfigError(
                "want a private key in PEM, without password", key="private_key", source=source
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ConfigError("want an elliptic-curve key over P-256", key="private_key", source=source)
        self._key = key

    @classmethod
    def from_file(cls, private_key: Path) -> EcdsaSigner:
        """Read the key from a PEM file.

        Raises
        ------
        ConfigError
            When the file cannot be read or holds no P-256 key.
        """
        try:
            pem = private_key.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}", key="private_key", source=str(private_key)
            ) from error
        return cls(pem, source=str(private_key))

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key."""
        return self._key.public_key()

    @property
    def public_numbers(self) -> tuple[int, int]:
        """The point of the public key."""
        numbers = self._key.public_key().public_numbers()
        return numbers.x, numbers.y

    def sign(self, digest: bytes, /) -> bytes:
        """Sign a SHA-256 digest; see `Signer.sign`."""
        return low_s(self._key.sign(digest, _PREHASHED_SHA256))
