"""The point that a public key is hashed to: the base of its key image.

The map is Elligator 2 as CryptoNote's first code wrote it. With A = 486662, u the 32 bytes as a number
modulo p, w = 2u² + 1 and t = A (A + 2) w / (w² - 2 A² u²), one of t and 2t is a square, since 2 is none:

    2t is one   x = u sqrt(2t), even;   y = (z - w) / (z + w) with z = -2 A u²
    t is one    x = sqrt(t), odd;       y = (z - w) / (z + w) with z = -A

No u makes a denominator zero: neither 2 (A - 1) nor (A - 1) / 2 is a square. `hash_to_point` is that map,
into the whole curve. `hash_to_ec` hashes a key before it and multiplies by the cofactor after it. The map
reaches about half of the points ("biased"), which key images can bear.

libsodium has the same map and multiplies too (`crypto_core_ed25519_from_uniform`), but takes the sign of x
from its caller. Which of the two cases it was shows in whether the y of the second one is on the curve.

References
----------
Daniel J. Bernstein and others, Elligator: elliptic-curve points indistinguishable from uniform random strings
(2013). Shen Noether, Understanding ge_fromfe_frombytes_vartime (2014).
"""

from __future__ import annotations

from functools import lru_cache

from nacl.bindings import crypto_core_ed25519_from_uniform

from gridledger.crypto.cryptonote.edwards import PRIME, SQRT_MINUS_ONE, encode
from gridledger.crypto.cryptonote.keccak import HASH_BYTES, cn_fast_hash
from gridledger.crypto.cryptonote.point import IDENTITY, POINT_BYTES, check_key
from gridledger.crypto.errors import PointMalformed

__all__ = ["CACHED_KEYS", "hash_to_ec", "hash_to_point"]

CACHED_KEYS = 65_536
"""Keys whose points are kept, about 16 MiB: the register of one period of a large network."""

_A = 486662
_SIGN = 0x80
_FACTOR = 2 * _A * (_A + 2)
_HALF = pow(2, -1, PRIME)
_FROM_I = (1 - SQRT_MINUS_ONE) * _HALF % PRIME
_FROM_MINUS_I = (1 + SQRT_MINUS_ONE) * _HALF % PRIME


def hash_to_point(data: bytes) -> bytes:
    """Map 32 bytes to a point of the curve, outside the prime-order group for the most part.

    Parameters
    ----------
    data : bytes of length 32
        Public; time depends on them.

    Raises
    ------
    PointMalformed
        `data` has another length.
    """
    x, y, z = _map(data)
    return encode((x, y, z, 0))


@lru_cache(maxsize=CACHED_KEYS)
def hash_to_ec(public_key: bytes) -> bytes:
    """Hash a public key to a point of the prime-order group; the same as `biased_hash_to_ec`.

    Parameters
    ----------
    public_key : bytes of length 32
        Any bytes; whether they are a key is not looked at.

    Returns
    -------
    bytes of length 32

    Notes
    -----
    A tenth of a millisecond, or nothing for the last 65,536 keys, which are kept.

    Raises
    ------
    PointMalformed
        `public_key` has another length.
    """
    if len(public_key) != HASH_BYTES:
        raise PointMalformed(f"a key has {HASH_BYTES} bytes, not {len(public_key)}", length=len(public_key))
    u = int.from_bytes(cn_fast_hash(public_key), "little") % PRIME
    point = crypto_core_ed25519_from_uniform(u.to_bytes(POINT_BYTES, "little"))
    w = 2 * u * u + 1
    y = (_A + w) * pow(_A - w, -1, PRIME) % PRIME
    if point != IDENTITY and check_key(y.to_bytes(POINT_BYTES, "little")):
        point = point[:-1] + bytes([point[-1] ^ _SIGN])
    return point


def _map(data: bytes) -> tuple[int, int, int]:
    if len(data) != HASH_BYTES:
        raise PointMalformed(f"a hash has {HASH_BYTES} bytes, not {len(data)}", length=len(data))
    u = int.from_bytes(data, "little") % PRIME
    square = 2 * u * u % PRIME
    w = square + 1
    below = (w * w - _A * _A * square) % PRIME
    above = _FACTOR * w % PRIME
    cube = below * below * below % PRIME
    x = above * cube * pow(above * cube * cube * below, (PRIME - 5) // 8, PRIME) % PRIME
    found = below * x * x % PRIME
    if found in (above, PRIME - above):
        x = x * u * (1 if found == above else SQRT_MINUS_ONE) % PRIME
        z, odd = -_A * square, 0
    else:
        x = x * (_FROM_I if found == above * SQRT_MINUS_ONE % PRIME else _FROM_MINUS_I) % PRIME
        z, odd = -_A, 1
    if x & 1 != odd:
        x = -x % PRIME
    y, z = (z - w) % PRIME, (z + w) % PRIME
    return x * z % PRIME, y, z
