"""Ring signatures: one of the ring's keys signed, and nothing says which; its key image shows a second use.

    signature = c_1 ‖ r_1 ‖ ... ‖ c_n ‖ r_n     64 n bytes, in the order of the ring
    L_i = r_i G + c_i P_i      R_i = r_i Hp(P_i) + c_i I
    sum of all c_i = Hs(prefix hash ‖ L_1 ‖ R_1 ‖ ... ‖ L_n ‖ R_n)

The format is the published one, the check is stricter: every key and the key image lie in the prime-order
group (an image with a torsion part would be a second image of the same key), scalars are below the order
(r + L would be a second signature of the same bytes), and no key stands twice in a ring. The order of the
ring is part of the signature; that it is sorted, and from what it is drawn, is for who asks for it to decide.
"""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.crypto.cryptonote import point
from gridledger.crypto.cryptonote.hash_to_point import hash_to_ec
from gridledger.crypto.cryptonote.keccak import HASH_BYTES
from gridledger.crypto.cryptonote.scalar import ORDER, SCALAR_BYTES, hash_to_scalar, require_scalar
from gridledger.crypto.cryptonote.signature import SIGNATURE_BYTES
from gridledger.crypto.errors import RingMalformed

__all__ = ["RING_LIMIT", "check_ring_signature", "require_ring"]

RING_LIMIT = 256
"""Keys in a ring at most: what one check may cost is bounded, to about a tenth of a second."""


def check_ring_signature(
    prefix_hash: bytes, key_image: bytes, ring: Sequence[bytes], signature: bytes
) -> bool:
    """Say whether one of the ring's keys made a signature, and the key image is its own.

    Parameters
    ----------
    prefix_hash : bytes of length 32
        Hash of what was signed.
    key_image : bytes of length 32
        See `gridledger.crypto.cryptonote.keys.generate_key_image`.
    ring : sequence of bytes of length 32
        Public keys, 1 to 256, in the order of the signature.
    signature : bytes of length 64 n
        As the module says.

    Returns
    -------
    bool
        False if all is well formed and the signature does not hold.

    Raises
    ------
    RingMalformed
        The ring is empty, too large or has a key twice; prefix hash or signature have another length.
    ScalarMalformed
        A scalar of the signature is not below the order.
    PointMalformed
        A key or the key image is no point of the curve.
    PointOutOfGroup
        A key or the key image is out of the prime-order group, or the identity.

    Notes
    -----
    O(n): four multiples a key, and its `hash_to_ec` unless that is kept. Everything is public; time depends
    on it.
    """
    require_ring(prefix_hash, ring)
    if len(signature) != SIGNATURE_BYTES * len(ring):
        raise RingMalformed(
            f"a signature of {len(ring)} keys has {SIGNATURE_BYTES * len(ring)} bytes, not {len(signature)}",
            keys=len(ring),
            length=len(signature),
        )
    scalars = [signature[at : at + SCALAR_BYTES] for at in range(0, len(signature), SCALAR_BYTES)]
    for scalar in scalars:
        require_scalar(scalar, "a scalar of the signature")
    hashed, total = [prefix_hash], 0
    for key, c, r in zip(ring, scalars[::2], scalars[1::2], strict=True):
        hashed += commitments(key, key_image, c, r)
        total += int.from_bytes(c, "little")
    return hash_to_scalar(b"".join(hashed)) == (total % ORDER).to_bytes(SCALAR_BYTES, "little")


def commitments(key: bytes, key_image: bytes, c: bytes, r: bytes) -> tuple[bytes, bytes]:
    """Return L_i and R_i; what they are made of was checked, except that the points are of the group."""
    left = point.add(point.multiply_base(r), point.multiply(c, key, "a key of the ring"))
    right = point.add(
        point.multiply(r, hash_to_ec(key), "a key's point"), point.multiply(c, key_image, "the key image")
    )
    return left, right


def require_ring(prefix_hash: bytes, ring: Sequence[bytes]) -> None:
    """Refuse what is no ring, before any of its points is looked at.

    Raises
    ------
    RingMalformed
        As `check_ring_signature` says.
    """
    if len(prefix_hash) != HASH_BYTES:
        raise RingMalformed(
            f"a prefix hash has {HASH_BYTES} bytes, not {len(prefix_hash)}", length=len(prefix_hash)
        )
    if not 1 <= len(ring) <= RING_LIMIT:
        raise RingMalformed(f"a ring has 1 to {RING_LIMIT} keys, not {len(ring)}", keys=len(ring))
    if len(set(ring)) != len(ring):
        raise RingMalformed("a key stands twice in the ring", keys=len(ring))
