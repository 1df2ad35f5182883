"""Passing over one-time keys of others by their view tags, many at a time.

A view tag follows from the derivation D = 8 a R, of which X25519 computes all but a sign: with y the
coordinate of R and u = (1 + y) / (1 - y) that of the same point on Curve25519,

    u' = X25519(n, u)     n = 8 a modulo L, or its opposite, whichever has the form of an X25519 scalar
    D  = (u' - 1) / (u' + 1), with the sign bit clear or set

A key passes if the tag of one of the two is its own: of others' keys two in 256 do, and none is lost. This is
a third of the work of D itself, since an X25519 scalar is a multiple of 8 and rids R of its torsion part, so
that nothing has to be checked first. Divisions of many keys are one (P. Montgomery, 1987).

Multiples by the secret are libsodium's and take constant time; n, once a secret, and coordinates of
derivations are computed by Python's integers.

References
----------
RFC 7748, sections 4.1 and 5. Nicolas van Saberhagen, CryptoNote v 2.0 (2013), section 4.3.
"""

from __future__ import annotations

from collections.abc import Sequence

from nacl import exceptions
from nacl.bindings import crypto_core_ed25519_scalar_negate, crypto_scalarmult

from gridledger.crypto.cryptonote.edwards import PRIME, invert_all
from gridledger.crypto.cryptonote.keys import derive_view_tag
from gridledger.crypto.cryptonote.point import POINT_BYTES
from gridledger.crypto.secret_key import SecretKey

__all__ = ["TagSieve"]

_Y = (1 << 255) - 1
_SIGN = 0x80
_LOWEST, _END = 1 << 251, 1 << 252
"""Eight times a scalar of this range has the form of an X25519 scalar."""


class TagSieve:
    """What passes over keys of others for one view secret.

    Parameters
    ----------
    view_secret : SecretKey
        A canonical scalar.
    index : int
        0 to 2^64 - 1: which of a derivation's keys the tags are of.

    Notes
    -----
    A few small scalars have no form of an X25519 scalar: for those all keys pass.
    """

    __slots__ = ("_index", "_multiplier")

    def __init__(self, view_secret: SecretKey, index: int) -> None:
        self._index = index
        self._multiplier = _multiplier(view_secret)

    def sift(self, sender_keys: Sequence[bytes], view_tags: Sequence[bytes]) -> list[bool]:
        """Say of each key whether it may be one's own.

        Parameters
        ----------
        sender_keys : sequence of bytes
            R of each key.
        view_tags : sequence of bytes
            As many.

        Returns
        -------
        list of bool
            True for all of one's own keys and for one in 128 others.

        Notes
        -----
        O(n): an X25519 and two hashes a key.
        """
        if self._multiplier is None:
            return [True] * len(sender_keys)
        may_be = [False] * len(sender_keys)
        below: dict[int, int] = {}
        above: dict[int, int] = {}
        for place, sender_key in enumerate(sender_keys):
            y = int.from_bytes(sender_key, "little") & _Y
            if len(sender_key) != POINT_BYTES or y >= PRIME:
                continue  # no point's encoding: nobody's
            if y == 1:
                may_be[place] = True  # has no u
            else:
                above[place], below[place] = 1 + y, PRIME + 1 - y
        found = self._multiply(above, below, may_be)
        inverse = invert_all([u + 1 for u in found.values()])
        for (place, u), inverted in zip(found.items(), inverse, strict=True):
            derivation = ((u - 1) * inverted % PRIME).to_bytes(POINT_BYTES, "little")
            opposite = derivation[:-1] + bytes([derivation[-1] | _SIGN])
            may_be[place] = view_tags[place] in {
                derive_view_tag(derivation, self._index),
                derive_view_tag(opposite, self._index),
            }
        return may_be

    def _multiply(self, above: dict[int, int], below: dict[int, int], may_be: list[bool]) -> dict[int, int]:
        """Return u' by place; what has none, or none that can be told from it, may be one's own."""
        multiplier = b"" if self._multiplier is None else self._multiplier.reveal()
        found: dict[int, int] = {}
        inverse = invert_all(list(below.values()))
        for (place, numerator), inverted in zip(above.items(), inverse, strict=True):
            u = (numerator * inverted % PRIME).to_bytes(POINT_BYTES, "little")
            try:
                multiple = int.from_bytes(crypto_scalarmult(multiplier, u), "little") % PRIME
            except exceptions.RuntimeError:
                multiple = PRIME - 1  # a point of small order
            if multiple == PRIME - 1:
                may_be[place] = True
            else:
                found[place] = multiple
        return found


def _multiplier(view_secret: SecretKey) -> SecretKey | None:
    scalar = view_secret.reveal()
    for one in (scalar, crypto_core_ed25519_scalar_negate(scalar)):
        number = int.from_bytes(one, "little")
        if _LOWEST <= number < _END:
            return SecretKey((8 * number).to_bytes(POINT_BYTES, "little"))
    return None
