"""Scalars: numbers modulo L = 2^252 + 27742317777372353535851937790883648493, 32 bytes, little-endian.

What is done with secret ones is done by libsodium, in constant time; Python's integers see public ones only.
"""

from __future__ import annotations

from nacl.bindings import crypto_core_ed25519_scalar_mul, crypto_core_ed25519_scalar_reduce

from gridledger.crypto.cryptonote.keccak import cn_fast_hash
from gridledger.crypto.errors import ScalarMalformed

__all__ = ["ORDER", "SCALAR_BYTES", "ZERO", "check_scalar", "hash_to_scalar", "require_scalar", "times_eight"]

ORDER = 2**252 + 27742317777372353535851937790883648493
"""L: how many points the prime-order group has."""
SCALAR_BYTES = 32
ZERO = bytes(SCALAR_BYTES)
_EIGHT = bytes([8]).ljust(SCALAR_BYTES, b"\0")
_HIGH_HALF = bytes(32)


def check_scalar(scalar: bytes) -> bool:
    """Say whether bytes are a scalar below L: s + L, which means the same, is not.

    Examples
    --------
    >>> check_scalar(ORDER.to_bytes(32, "little")), check_scalar((ORDER - 1).to_bytes(32, "little"))
    (False, True)
    """
    return len(scalar) == SCALAR_BYTES and int.from_bytes(scalar, "little") < ORDER


def hash_to_scalar(data: bytes) -> bytes:
    """Hash bytes to a scalar.

    Parameters
    ----------
    data : bytes
        What is hashed; may be secret.

    Returns
    -------
    bytes of length 32
    """
    return crypto_core_ed25519_scalar_reduce(cn_fast_hash(data) + _HIGH_HALF)


def require_scalar(scalar: bytes, what: str) -> None:
    """Refuse what is no scalar.

    Parameters
    ----------
    scalar : bytes
        What is checked; no error shows it.
    what : str
        What it should be, for the message.

    Raises
    ------
    ScalarMalformed
        It has not 32 bytes, or is L or more.
    """
    if not check_scalar(scalar):
        raise ScalarMalformed(f"{what} is no canonical scalar", what=what, length=len(scalar))


def times_eight(scalar: bytes) -> bytes:
    """Return 8 s modulo L."""
    return crypto_core_ed25519_scalar_mul(_EIGHT, scalar)
