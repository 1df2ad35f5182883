"""Every node of a network restarted, one after the other: how it comes to other binaries without stopping."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gridledger.network.component import ComponentKind
from gridledger.network.level import wait_level
from gridledger.network.network import Network

__all__ = ["roll"]

_ORDER = {ComponentKind.ORDERER: 0, ComponentKind.PEER: 1}


def roll(
    network: Network, *, binaries: Path | None = None, say: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Restart orderers, then peers; each has to be up to the others before the next is stopped.

    Parameters
    ----------
    network : Network
        On Fabric, running.
    binaries : Path, optional
        Folder of the binaries that nodes run from now on; the same as before by default.
    say : callable, optional
        Is told each component that is done.

    Returns
    -------
    list of str
        The components, in their order.

    Raises
    ------
    PrerequisiteMissing
        If a binary is not there; nothing was stopped.
    StartTimeout, ComponentStopped
        If a node does not come up, or not up to the others; those after it were not touched, and the same
        call with the old folder goes back.

    Notes
    -----
    Clients of the one peer of an organisation wait or try again while it restarts. The nodes of devnet, one
    process, have no others that go on: `restart` is all that can be done.
    """
    if binaries is not None:
        network.use_binaries(binaries)
    status = network.status()
    nodes = sorted((one for one in status.components if one.kind in _ORDER), key=lambda one: _ORDER[one.kind])
    consenters = {one.name for one in status.orderers if one.is_consenter}
    done: list[str] = []
    for node in nodes:
        network.restart(node.name)
        wait_level(network, node.name, consenter=node.name in consenters)
        done.append(node.name)
        say(node.name)
    return done
