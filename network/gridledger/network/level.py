"""Waiting until a node is up to the others: what lets the next one be restarted."""

from __future__ import annotations

import time
from typing import Final

from gridledger.host.errors import StartTimeout
from gridledger.network.errors import UnknownComponent
from gridledger.network.network import Network

__all__ = ["wait_level"]

_LAG_BLOCKS: Final = 5
"""So far a node may be behind: all are asked one moment after the other, while blocks come."""
_POLL_SECONDS: Final = 0.2


def wait_level(network: Network, component: str, *, consenter: bool = False, seconds: float = 180.0) -> None:
    """Wait until an orderer or a peer has the blocks that the others have.

    Parameters
    ----------
    network : Network
        A running network.
    component : str
        The orderer or peer.
    consenter : bool, default False
        Whether an orderer has to take part in ordering, too.
    seconds : float, default 180
        The deadline.

    Raises
    ------
    UnknownComponent
        If there is no such orderer or peer.
    StartTimeout
        If it is not up to them in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        status = network.status()
        heights = {f"peer0.{one.organisation}": one.height for one in status.peers}
        orderers = {one.name: one for one in status.orderers}
        heights |= {name: one.height for name, one in orderers.items()}
        if component not in heights:
            raise UnknownComponent("orderer or peer", component, known=sorted(heights))
        wanted = max((height for height in heights.values() if height is not None), default=0)
        mine = heights[component]
        takes_part = not consenter or component not in orderers or orderers[component].is_consenter
        if mine is not None and mine >= wanted - _LAG_BLOCKS and takes_part:
            return
        if time.monotonic() >= deadline:
            log = network.log_file(component)
            raise StartTimeout(component, seconds=seconds, log=log, log_tail=network.logs(component))
        time.sleep(_POLL_SECONDS)
