"""Copies of envelopes on several storage nodes: which nodes keep one, and how lost copies come back.

An envelope is kept by the node that submitted it, if that is still approved, and by as many others as the
replication factor wants, chosen by rendezvous hashing: every node computes the same, and when a node comes or
goes, no more moves than must. Repair is each node's own work: it reads the deposits of a period and fetches
what it should have and has not from whoever has it.

References
----------
Thaler and Ravishankar, Using Name-Based Mappings to Increase Hit Rates (1998).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gridledger.model.digest import Digest
from gridledger.model.edge import StorageNode

__all__ = ["DEFAULT_FACTOR", "Repair", "holders"]

DEFAULT_FACTOR = 2
"""Nodes that keep an envelope: one may be lost."""


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What a repair did."""

    checked: int
    """Deposits that this node should have a copy of."""
    fetched: int
    """Copies that were lost and are here again."""
    missing: tuple[str, ...]
    """Deposits whose envelope no node gave."""


def holders(envelope: Digest, nodes: Iterable[StorageNode], *, origin: str, factor: int) -> list[str]:
    """Name the storage nodes that keep an envelope.

    Parameters
    ----------
    envelope : Digest
    nodes : iterable of StorageNode
        The approved ones.
    origin : str
        The node that submitted it; first of all while it is approved.
    factor : int
        How many nodes keep an envelope.

    Returns
    -------
    list of str
        Ids; fewer than `factor` where there are not so many nodes.
    """
    ids = {node.id for node in nodes}
    ranked: Sequence[str] = sorted(ids, key=lambda one: (one != origin, _weight(envelope, one)))
    return list(ranked[:factor])


def _weight(envelope: Digest, node: str) -> bytes:
    return hashlib.sha256(envelope.raw + node.encode("ascii")).digest()
