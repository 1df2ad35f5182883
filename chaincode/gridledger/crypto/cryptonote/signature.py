"""Signatures of one key: Schnorr's, with the key in the hash.

    signature = c (32 bytes) ‖ r (32 bytes)     c = Hs(prefix hash ‖ P ‖ r G + c P)

For receipts: who signs shows which key it is. Rings are in `gridledger.crypto.cryptonote.ring`.
"""

from __future__ import annotations

from gridledger.crypto.cryptonote import point
from gridledger.crypto.cryptonote.keccak import HASH_BYTES
from gridledger.crypto.cryptonote.scalar import SCALAR_BYTES, ZERO, check_scalar, hash_to_scalar

__all__ = ["SIGNATURE_BYTES", "check_signature"]

SIGNATURE_BYTES = 2 * SCALAR_BYTES


def check_signature(prefix_hash: bytes, public_key: bytes, signature: bytes) -> bool:
    """Say whether a signature holds.

    Parameters
    ----------
    prefix_hash : bytes of length 32
        Hash of what was signed.
    public_key : bytes of length 32
        Whose it should be. As in the published format it may have a torsion part: who cares which encoding
        of a key is used asks `gridledger.crypto.cryptonote.point.in_group` first.
    signature : bytes of length 64
        c ‖ r; both canonical, c not zero.

    Returns
    -------
    bool
        False also for what is malformed.
    """
    if len(prefix_hash) != HASH_BYTES or len(signature) != SIGNATURE_BYTES or not point.check_key(public_key):
        return False
    c, r = signature[:SCALAR_BYTES], signature[SCALAR_BYTES:]
    if c == ZERO or not check_scalar(c) or not check_scalar(r):
        return False
    commitment = point.add(point.multiply_base(r), point.multiply_any(c, public_key))
    if commitment == point.IDENTITY:
        return False
    return hash_to_scalar(prefix_hash + public_key + commitment) == c
