"""Making keys, signatures and ring signatures: draws random numbers, so no contract imports it.

A nonce is 64 random bytes of the operating system modulo the order. Multiples by nonce and secret key and the
answer k - c x are libsodium's and take constant time. A ring signature does the same work wherever its signer
stands, but not in the same order, and a key's point is faster where it is kept: who can measure within one
signature may learn more than a ring hides.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence

from nacl.bindings import (
    crypto_core_ed25519_scalar_mul,
    crypto_core_ed25519_scalar_reduce,
    crypto_core_ed25519_scalar_sub,
)

from gridledger.crypto.cryptonote import point
from gridledger.crypto.cryptonote.hash_to_point import hash_to_ec
from gridledger.crypto.cryptonote.keccak import HASH_BYTES
from gridledger.crypto.cryptonote.keys import generate_key_image, secret_key_to_public_key
from gridledger.crypto.cryptonote.ring import commitments, require_ring
from gridledger.crypto.cryptonote.scalar import ORDER, SCALAR_BYTES, ZERO, hash_to_scalar
from gridledger.crypto.errors import KeyMalformed, RingMalformed

__all__ = ["generate_keys", "generate_ring_signature", "generate_signature", "random_scalar"]


def random_scalar() -> bytes:
    """Draw a scalar that is not zero, each with the same probability but for 2^-252."""
    while True:
        scalar = crypto_core_ed25519_scalar_reduce(os.urandom(64))
        if scalar != ZERO:
            return scalar


def generate_keys() -> tuple[bytes, bytes]:
    """Draw a key pair.

    Returns
    -------
    public_key, secret_key : bytes of length 32
    """
    secret_key = random_scalar()
    return secret_key_to_public_key(secret_key), secret_key


def generate_signature(prefix_hash: bytes, public_key: bytes, secret_key: bytes) -> bytes:
    """Sign with one key.

    Parameters
    ----------
    prefix_hash : bytes of length 32
        Hash of what is signed.
    public_key, secret_key : bytes of length 32
        A pair: a signature beside another public key would give the secret one away.

    Returns
    -------
    bytes of length 64

    Raises
    ------
    RingMalformed
        The prefix hash has another length.
    ScalarMalformed
        The secret key is no canonical scalar.
    KeyMalformed
        The two are no pair.

    Examples
    --------
    >>> from gridledger.crypto.cryptonote.signature import check_signature
    >>> public_key, secret_key = generate_keys()
    >>> check_signature(bytes(32), public_key, generate_signature(bytes(32), public_key, secret_key))
    True
    """
    if len(prefix_hash) != HASH_BYTES:
        raise RingMalformed(
            f"a prefix hash has {HASH_BYTES} bytes, not {len(prefix_hash)}", length=len(prefix_hash)
        )
    _require_pair(public_key, secret_key)
    while True:
        k = random_scalar()
        c = hash_to_scalar(prefix_hash + public_key + point.multiply_base(k))
        r = _answer(k, c, secret_key)
        if ZERO not in (c, r):
            return c + r


def generate_ring_signature(
    prefix_hash: bytes, key_image: bytes, ring: Sequence[bytes], secret_key: bytes, secret_index: int
) -> bytes:
    """Sign with one key of a ring.

    Parameters
    ----------
    prefix_hash : bytes of length 32
        Hash of what is signed.
    key_image : bytes of length 32
        `generate_key_image` of the signer's pair.
    ring : sequence of bytes of length 32
        Public keys, 1 to 256, each once, all in the prime-order group.
    secret_key : bytes of length 32
        The signer's.
    secret_index : int
        Where the signer's public key stands in the ring, from 0.

    Returns
    -------
    bytes of length ``64 * len(ring)``

    Raises
    ------
    RingMalformed
        The ring is empty, too large or has a key twice; the prefix hash has another length; the index is not
        in the ring.
    KeyMalformed
        Secret key and key at the index are no pair, or the key image is another's.
    ScalarMalformed
        The secret key is no canonical scalar.
    PointMalformed, PointOutOfGroup
        A key of the ring is no point of the prime-order group.

    Notes
    -----
    O(n): what a check costs, and two multiples more.

    Examples
    --------
    >>> from gridledger.crypto.cryptonote.ring import check_ring_signature
    >>> pairs = [generate_keys() for _ in range(3)]
    >>> ring, (public_key, secret_key) = [pair[0] for pair in pairs], pairs[1]
    >>> image = generate_key_image(public_key, secret_key)
    >>> signature = generate_ring_signature(bytes(32), image, ring, secret_key, 1)
    >>> check_ring_signature(bytes(32), image, ring, signature)
    True
    """
    require_ring(prefix_hash, ring)
    if not 0 <= secret_index < len(ring):
        raise RingMalformed("the signer's index is not in the ring", keys=len(ring))
    public_key = ring[secret_index]
    _require_pair(public_key, secret_key)
    if generate_key_image(public_key, secret_key) != key_image:
        raise KeyMalformed("the key image is not that of the signer's key")
    k = random_scalar()
    hashed, answers, total = [prefix_hash], [], 0
    for index, key in enumerate(ring):
        if index == secret_index:
            hashed += (point.multiply_base(k), point.multiply(k, hash_to_ec(key), "a key's point"))
            answers.append((ZERO, ZERO))
            continue
        c, r = random_scalar(), random_scalar()
        hashed += commitments(key, key_image, c, r)
        answers.append((c, r))
        total += int.from_bytes(c, "little")
    challenge = int.from_bytes(hash_to_scalar(b"".join(hashed)), "little")
    c = ((challenge - total) % ORDER).to_bytes(SCALAR_BYTES, "little")
    answers[secret_index] = (c, _answer(k, c, secret_key))
    return b"".join(part for pair in answers for part in pair)


def _answer(k: bytes, c: bytes, secret_key: bytes) -> bytes:
    return crypto_core_ed25519_scalar_sub(k, crypto_core_ed25519_scalar_mul(c, secret_key))


def _require_pair(public_key: bytes, secret_key: bytes) -> None:
    if not hmac.compare_digest(secret_key_to_public_key(secret_key), public_key):
        raise KeyMalformed("secret key and public key are no pair")
