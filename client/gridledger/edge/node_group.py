"""The approved storage nodes of a root, as the ledger has them."""

from __future__ import annotations

import asyncio
from typing import Final

from gridledger.edge.edge_ledger import EdgeLedger
from gridledger.model.edge import StorageNode
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.states import ApplicationState

__all__ = ["NodeGroup"]

_KNOWN_S: Final = 10.0
"""Nodes come and go in days; each envelope asks for them."""


class NodeGroup:
    """Names the approved storage nodes of a root, and remembers them for ten seconds.

    Parameters
    ----------
    ledger : EdgeLedger
    root : SystemIdentifier
    """

    def __init__(self, ledger: EdgeLedger, root: SystemIdentifier) -> None:
        self._ledger = ledger
        self._root = root
        self._known: list[StorageNode] = []
        self._until = float("-inf")

    async def approved(self, *, fresh: bool = False) -> list[StorageNode]:
        """Return the approved nodes; with `fresh`, as the ledger has them now."""
        clock = asyncio.get_running_loop().time
        if fresh or self._until < clock():
            nodes = await self._ledger.nodes(self._root)
            self._known = [node for node in nodes if node.state is ApplicationState.APPROVED]
            self._until = clock() + _KNOWN_S
        return self._known
