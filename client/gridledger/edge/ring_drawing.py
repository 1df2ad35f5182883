"""Which membership keys a ring is made of.

Decoys are drawn evenly from the other keys of the signer's round, which has one key of each side device. So
no device stands in a ring twice, and who knows whose each key is (the issuer) has no better guess than one of
the ring. Keys that others have used are not left out: nobody knows which. The key that signs is drawn evenly
from the device's unused ones: were it the next in turn, its round would tell. Places stand in ascending
order.

Source: CryptoNote 2.0, section 4.4; Möser and others, An Empirical Analysis of Traceability in the Monero
Blockchain (2018), for what uneven draws give away.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

__all__ = ["draw_delay_s", "draw_own", "draw_ring"]


def draw_own(unused: Sequence[int]) -> int:
    """Draw the place of the key that signs."""
    return secrets.choice(unused)


def draw_ring(own: int, devices: int, size: int) -> tuple[int, ...]:
    """Draw a ring.

    Parameters
    ----------
    own : int
        Place of the key that signs.
    devices : int
        Side devices of the period: so many places a round has.
    size : int
        Keys of the ring, at most `devices`.

    Returns
    -------
    tuple of int
        Ascending places of one round, each once, the own one among them.

    Examples
    --------
    >>> ring = draw_ring(3, 10, 4)
    >>> len(ring), 3 in ring, ring == tuple(sorted(set(ring)))
    (4, True, True)
    """
    first = own - own % devices
    others = secrets.SystemRandom().sample(range(first, first + devices - 1), size - 1)
    return tuple(sorted([own, *(place + (place >= own) for place in others)]))


def draw_delay_s(within_s: float) -> float:
    """Draw how long a device waits before it sends, in seconds: evenly, up to `within_s`.

    Notes
    -----
    Devices that send in the same order each hour are told apart by their moments.
    """
    return secrets.SystemRandom().uniform(0, within_s)
