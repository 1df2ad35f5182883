"""Points of edwards25519 in 32 bytes: decoding, the prime-order group, sums and multiples.

Sums and multiples are libsodium's, and its multiples take constant time. It refuses points outside the
prime-order group, where the published format goes on: `multiply_any` does so too, by integers, and is for
public points and public scalars only.
"""

from __future__ import annotations

from typing import NoReturn

from nacl import exceptions
from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_is_valid_point,
    crypto_core_ed25519_sub,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)

from gridledger.crypto.cryptonote import edwards
from gridledger.crypto.cryptonote.scalar import ZERO
from gridledger.crypto.errors import PointMalformed, PointOutOfGroup

__all__ = [
    "IDENTITY",
    "POINT_BYTES",
    "add",
    "check_key",
    "in_group",
    "multiply",
    "multiply_any",
    "multiply_base",
    "require_group",
    "require_point",
    "subtract",
]

POINT_BYTES = 32
IDENTITY = (1).to_bytes(POINT_BYTES, "little")
_Y = (1 << 255) - 1
_NEGATIVE_ZEROS = frozenset((y | 1 << 255).to_bytes(POINT_BYTES, "little") for y in (1, edwards.PRIME - 1))
"""Encodings of x = 0 with the sign bit set."""


def check_key(public_key: bytes) -> bool:
    """Say whether bytes are the canonical encoding of a point on the curve, in the prime-order group or not.

    Examples
    --------
    >>> check_key(IDENTITY), check_key(bytes([2]) + bytes(31)), check_key(bytes(31))
    (True, False, False)
    """
    if len(public_key) != POINT_BYTES or public_key in _NEGATIVE_ZEROS:
        return False
    if int.from_bytes(public_key, "little") & _Y >= edwards.PRIME:
        return False
    try:
        crypto_core_ed25519_add(public_key, IDENTITY)
    except exceptions.RuntimeError:
        return False
    return True


def in_group(point: bytes) -> bool:
    """Say whether bytes are the canonical encoding of a point of order L; the identity is none."""
    return len(point) == POINT_BYTES and crypto_core_ed25519_is_valid_point(point)


def require_point(point: bytes, what: str) -> None:
    """Refuse what is no point.

    Raises
    ------
    PointMalformed
        `check_key` says so; `what` names it.
    """
    if not check_key(point):
        raise PointMalformed(f"{what} is no point of the curve", what=what, length=len(point))


def require_group(point: bytes, what: str) -> None:
    """Refuse what is no point of the prime-order group.

    Raises
    ------
    PointMalformed
        It is no point of the curve at all.
    PointOutOfGroup
        It is one with a torsion part, or the identity.
    """
    if not in_group(point):
        _refuse(point, what)


def add(one: bytes, other: bytes) -> bytes:
    """Add two points; both were checked."""
    return crypto_core_ed25519_add(one, other)


def subtract(one: bytes, other: bytes) -> bytes:
    """Subtract a point from another; both were checked."""
    return crypto_core_ed25519_sub(one, other)


def multiply_base(scalar: bytes) -> bytes:
    """Return s G, in constant time."""
    return IDENTITY if scalar == ZERO else crypto_scalarmult_ed25519_base_noclamp(scalar)


def multiply(scalar: bytes, point: bytes, what: str) -> bytes:
    """Return s P for a point of the prime-order group, in constant time.

    Parameters
    ----------
    scalar : bytes of length 32
        Canonical; whether it is zero is not hidden.
    point : bytes of length 32
        Anything.
    what : str
        What the point is, for the refusal.

    Raises
    ------
    PointMalformed
        It is no point of the curve.
    PointOutOfGroup
        It is out of the prime-order group, or the identity.
    """
    if scalar == ZERO:
        require_group(point, what)
        return IDENTITY
    if len(point) != POINT_BYTES:
        _refuse(point, what)
    try:
        return crypto_scalarmult_ed25519_noclamp(scalar, point)
    except exceptions.RuntimeError:
        _refuse(point, what)


def multiply_any(scalar: bytes, point: bytes) -> bytes:
    """Return s P for any point of the curve, its torsion part included; both are public."""
    if scalar == ZERO:
        return IDENTITY
    try:
        return crypto_scalarmult_ed25519_noclamp(scalar, point)
    except exceptions.RuntimeError:
        decoded = edwards.decode(point)
        if decoded is None:
            raise PointMalformed("this is no point of the curve", length=len(point)) from None
        return edwards.encode(edwards.multiply(int.from_bytes(scalar, "little"), decoded))


def _refuse(point: bytes, what: str) -> NoReturn:
    require_point(point, what)
    raise PointOutOfGroup(f"{what} is not in the prime-order group", what=what)
