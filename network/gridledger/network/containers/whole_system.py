"""One compose file for a whole system: a network's nodes and chaincode, and the lake's HDFS beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridledger.host.lock import folder_lock
from gridledger.model.errors import ConfigError
from gridledger.network.inventory import Inventory
from gridledger.network.network import Network

__all__ = ["whole_system"]


def whole_system(network: Network, lake: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the content of a compose file that starts a system which stands, without our commands.

    Parameters
    ----------
    network : Network
        A network of containers; it has joined its channel before, or does so by the next `up`.
    lake : mapping, optional
        The lake's compose file, parsed; its services get the prefix `lake-`. Its volumes are the lake's own,
        with the data that is there, and no command of the whole system's file removes them.

    Raises
    ------
    ConfigError
        If the network runs as processes.
    """
    if network.description.containers is None:
        raise ConfigError("runs as processes", key="world", source=str(network.directory))
    with folder_lock(network.directory):
        inventory = Inventory(network.directory)
        inventory.world().prepare()
        services = {one.name: one.service().to_value() for one in inventory.components()}
    content: dict[str, Any] = {"services": services}
    if lake is not None:
        content["services"] |= {f"lake-{name}": one for name, one in lake["services"].items()}
        content["volumes"] = {
            name: {"name": volume["name"], "external": True} for name, volume in lake["volumes"].items()
        }
    for service in content["services"].values():
        service["restart"] = "unless-stopped"
    return content
