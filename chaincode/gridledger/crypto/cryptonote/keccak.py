"""The protocol's hash: Keccak with 256 bits as submitted to NIST, whose padding is not SHA-3's."""

from __future__ import annotations

from Crypto.Hash import keccak

__all__ = ["HASH_BYTES", "cn_fast_hash"]

HASH_BYTES = 32


def cn_fast_hash(data: bytes) -> bytes:
    """Hash bytes.

    Returns
    -------
    bytes of length 32

    Examples
    --------
    >>> cn_fast_hash(b"").hex()[:16]
    'c5d2460186f7233c'
    """
    return keccak.new(data=data, digest_bits=8 * HASH_BYTES).digest()
