"""The curve edwards25519 in Python integers: -x² + y² = 1 + d x² y² modulo p = 2^255 - 19 (RFC 8032, 5.1).

For public points only: Python's integers take time that depends on their values. Points are (X, Y, Z, T) with
x = X / Z, y = Y / Z, x y = T / Z.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TypeAlias

__all__ = [
    "IDENTITY",
    "PRIME",
    "SQRT_MINUS_ONE",
    "EdwardsPoint",
    "add",
    "decode",
    "double",
    "encode",
    "invert_all",
    "multiply",
]

EdwardsPoint: TypeAlias = tuple[int, int, int, int]

PRIME = 2**255 - 19
IDENTITY: EdwardsPoint = (0, 1, 1, 0)
_D = -121665 * pow(121666, -1, PRIME) % PRIME
_TWICE_D = 2 * _D % PRIME
SQRT_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)
_SIGN = 1 << 255


def decode(encoded: bytes) -> EdwardsPoint | None:
    """Read a point from 32 bytes; None where they are no point's canonical encoding."""
    number = int.from_bytes(encoded, "little")
    sign, y = divmod(number, _SIGN)
    if y >= PRIME:
        return None
    u, v = (y * y - 1) % PRIME, (_D * y * y + 1) % PRIME
    cube = v * v * v % PRIME
    x = u * cube * pow(u * cube * cube * v, (PRIME - 5) // 8, PRIME) % PRIME
    square = v * x * x % PRIME
    if square != u:
        if square != PRIME - u:
            return None
        x = x * SQRT_MINUS_ONE % PRIME
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def encode(point: EdwardsPoint) -> bytes:
    """Write a point's 32 bytes: y, and x's lowest bit on top."""
    x, y, z, _ = point
    inverse = pow(z, -1, PRIME)
    return (y * inverse % PRIME | (x * inverse % PRIME & 1) << 255).to_bytes(32, "little")


def add(one: EdwardsPoint, other: EdwardsPoint) -> EdwardsPoint:
    """Add two points, which may be equal (Hisil and others, 2008: the formula is complete on this curve)."""
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    c, d = t1 * _TWICE_D * t2 % PRIME, 2 * z1 * z2
    e, f, g, h = (b - a) % PRIME, (d - c) % PRIME, (d + c) % PRIME, (b + a) % PRIME
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def double(point: EdwardsPoint) -> EdwardsPoint:
    """Double a point."""
    x, y, z, _ = point
    a, b, c = x * x % PRIME, y * y % PRIME, 2 * z * z
    h = a + b
    e, g = (h - (x + y) * (x + y)) % PRIME, a - b
    f = (c + g) % PRIME
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def multiply(number: int, point: EdwardsPoint) -> EdwardsPoint:
    """Return a multiple of a point, the torsion part's multiple with it.

    Notes
    -----
    256 doublings at most, about a millisecond; time depends on both arguments.
    """
    result = IDENTITY
    for bit in f"{number:b}":
        result = double(result)
        if bit == "1":
            result = add(result, point)
    return result


def invert_all(numbers: Sequence[int]) -> list[int]:
    """Return the inverses of numbers modulo p, none of which is a multiple of it.

    Notes
    -----
    One inversion, and three products a number.
    """
    products = list(accumulate(numbers, lambda product, number: product * number % PRIME, initial=1))
    inverse = pow(products[-1], -1, PRIME)
    inverses = []
    for number, before in zip(reversed(numbers), reversed(products[:-1]), strict=True):
        inverses.append(inverse * before % PRIME)
        inverse = inverse * number % PRIME
    return inverses[::-1]
