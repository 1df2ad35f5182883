"""Keys: derivations, one-time keys, view tags and key images.

With G the base point, Hs `hash_to_scalar`, Hp `hash_to_ec`, and varint(i) seven bits a byte, lowest first:

    derivation D         8 a R = 8 r A       a, A of the receiver's view key; r, R of the sender
    one-time key         P = Hs(D ‖ varint(i)) G + B,   x = Hs(D ‖ varint(i)) + b      b, B of the spend key
    view tag             first byte of H("view_tag" ‖ D ‖ varint(i))
    key image            I = x Hp(P)

Secret scalars go through libsodium alone and take constant time. Secrets and derivations are bytes, which
nothing here keeps, logs or shows in an error.
"""

from __future__ import annotations

from nacl.bindings import crypto_core_ed25519_scalar_add

from gridledger.crypto.cryptonote import point
from gridledger.crypto.cryptonote.hash_to_point import hash_to_ec
from gridledger.crypto.cryptonote.keccak import cn_fast_hash
from gridledger.crypto.cryptonote.scalar import hash_to_scalar, require_scalar, times_eight
from gridledger.crypto.errors import PointOutOfGroup, ScalarMalformed

__all__ = [
    "derive_public_key",
    "derive_secret_key",
    "derive_view_tag",
    "generate_key_derivation",
    "generate_key_image",
    "secret_key_to_public_key",
    "underive_public_key",
]

_INDEX_BITS = 64


def secret_key_to_public_key(secret_key: bytes) -> bytes:
    """Return s G.

    Raises
    ------
    ScalarMalformed
        The secret key is no canonical scalar.
    """
    require_scalar(secret_key, "the secret key")
    return point.multiply_base(secret_key)


def generate_key_derivation(public_key: bytes, secret_key: bytes) -> bytes:
    """Return 8 s P, the secret that two sides share.

    Parameters
    ----------
    public_key : bytes of length 32
        Any point of the curve: a torsion part, which libsodium refuses, is lost in the factor 8.
    secret_key : bytes of length 32
        A canonical scalar.

    Returns
    -------
    bytes of length 32
        Secret.

    Raises
    ------
    PointMalformed
        `public_key` is no point of the curve.
    ScalarMalformed
        `secret_key` is no canonical scalar.
    """
    require_scalar(secret_key, "the secret key")
    try:
        return point.multiply(times_eight(secret_key), public_key, "the public key")
    except PointOutOfGroup:
        eightfold = public_key
        for _ in range(3):
            eightfold = point.add(eightfold, eightfold)
        if eightfold == point.IDENTITY:
            return point.IDENTITY
        return point.multiply(secret_key, eightfold, "the public key")


def derive_public_key(derivation: bytes, index: int, base: bytes) -> bytes:
    """Return the one-time public key of a derivation.

    Parameters
    ----------
    derivation : bytes of length 32
        See `generate_key_derivation`.
    index : int
        0 to 2^64 - 1: which of the sender's keys for this derivation.
    base : bytes of length 32
        The receiver's public spend key.

    Raises
    ------
    PointMalformed
        `base` is no point of the curve.
    ScalarMalformed
        `index` is out of its range.
    """
    point.require_point(base, "the base")
    return point.add(point.multiply_base(_derivation_to_scalar(derivation, index)), base)


def derive_secret_key(derivation: bytes, index: int, base: bytes) -> bytes:
    """Return the one-time secret key of a derivation; `base` is the receiver's secret spend key.

    Raises
    ------
    ScalarMalformed
        `base` is no canonical scalar, or `index` is out of its range.
    """
    require_scalar(base, "the base")
    return crypto_core_ed25519_scalar_add(_derivation_to_scalar(derivation, index), base)


def underive_public_key(derivation: bytes, index: int, derived_key: bytes) -> bytes:
    """Return the public spend key to which a one-time key was made, if it was made with this derivation.

    Raises
    ------
    PointMalformed
        `derived_key` is no point of the curve.
    ScalarMalformed
        `index` is out of its range.
    """
    point.require_point(derived_key, "the derived key")
    return point.subtract(derived_key, point.multiply_base(_derivation_to_scalar(derivation, index)))


def derive_view_tag(derivation: bytes, index: int) -> bytes:
    """Return the byte by which 255 of 256 keys of others are told from one's own without a point being added.

    Raises
    ------
    ScalarMalformed
        `index` is out of its range.
    """
    return cn_fast_hash(b"view_tag" + derivation + _varint(index))[:1]


def generate_key_image(public_key: bytes, secret_key: bytes) -> bytes:
    """Return x Hp(P): the same for every signature of the key, and nothing else says which key it was.

    Raises
    ------
    PointMalformed
        The public key has not 32 bytes.
    ScalarMalformed
        The secret key is no canonical scalar.
    """
    require_scalar(secret_key, "the secret key")
    return point.multiply(secret_key, hash_to_ec(public_key), "the key's point")


def _derivation_to_scalar(derivation: bytes, index: int) -> bytes:
    return hash_to_scalar(derivation + _varint(index))


def _varint(number: int) -> bytes:
    if not 0 <= number < 1 << _INDEX_BITS:
        raise ScalarMalformed(f"an index has {_INDEX_BITS} bits at most and no sign", what="the index")
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
