"""Which membership keys a ring is made of.

Decoys are drawn evenly from all keys of the period but the signer's own. Nothing is left out: neither the
device's other keys (who knows whose they are would see in a ring with one of them who did not send) nor keys
that others have used (nobody knows which). The key that signs is drawn evenly from the device's unused ones
(were it the next in turn, its place would tell). So each key of a ring is as likely as any other. Places
stand in ascending order.

Source: CryptoNote 2.0, section 4.4; Möser and others, An Empirical Analysis of Traceability in the Monero
Blockchain (2018), for what uneven draws give away.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

__all__ = ["draw_own", "draw_ring"]


def draw_own(unused: Sequence[int]) -> int:
    """Draw the place of the key that signs."""
    return secrets.choice(unused)


def draw_ring(own: int, keys: int, size: int) -> tuple[int, ...]:
    """Draw a ring.

    Parameters
    ----------
    own : int
        Place of the key that signs.
    keys : int
        How many keys the period has: places 0 to one less.
    size : int
        Keys of the ring, at most `keys`.

    Returns
    -------
    tuple of int
        Ascending places, each once, the own one among them.

    Examples
    --------
    >>> ring = draw_ring(3, 10, 4)
    >>> len(ring), 3 in ring, ring == tuple(sorted(set(ring)))
    (4, True, True)
    """
    others = secrets.SystemRandom().sample(range(keys - 1), size - 1)
    return tuple(sorted([own, *(place + (place >= own) for place in others)]))
