"""A new network's description and key material."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gridledger.network.authority import NodeRole
from gridledger.network.description import (
    NetworkDescription,
    OrdererDescription,
    OrganisationDescription,
    Settings,
    World,
)
from gridledger.network.material import OrganisationKind, OrganisationMaterial
from gridledger.network.ports import free_ports

__all__ = ["ADMIN", "CHANNEL", "USER", "describe", "make_material"]

CHANNEL = "energy"
ADMIN = "admin"
"""The administrator that every organisation has."""
USER = "user1"
"""The client that every peer organisation has."""
_ORDERERS = {World.DEVNET: 1, World.FABRIC: 4}
# Four is the least at which SmartBFT stands one that lies; devnet has one key to sign blocks with.


def describe(
    world: World, organisations: int, binaries: Path | None, settings: Settings
) -> NetworkDescription:
    """Return a new network: names, and ports that are free now.

    Parameters
    ----------
    world : World
        What is to run it.
    organisations : int
        Number of peer organisations.
    binaries : Path or None
        Folder of Fabric's binaries.
    settings : Settings
        How blocks are cut.
    """
    ports = free_ports()
    return NetworkDescription(
        world=world,
        channel=CHANNEL,
        organisations=[_organisation(world, f"org{number + 1}", ports) for number in range(organisations)],
        orderers=[_orderer(world, f"orderer{number + 1}", ports) for number in range(_ORDERERS[world])],
        settings=settings,
        binaries=str(binaries) if binaries else None,
    )


def make_material(description: NetworkDescription, directory: Path) -> None:
    """Make keys and certificates: nodes and administrators, and a client for each peer organisation."""
    for organisation in description.orderer_material(directory):
        made = OrganisationMaterial.create(organisation.root, organisation.name, OrganisationKind.ORDERER)
        made.add_node("orderer0")
        made.add_user(ADMIN, role=NodeRole.ADMIN)
    for organisation in description.peer_material(directory):
        made = OrganisationMaterial.create(organisation.root, organisation.name, OrganisationKind.PEER)
        made.add_node("peer0")
        made.add_user(ADMIN, role=NodeRole.ADMIN)
        made.add_user(USER)


def _organisation(world: World, name: str, ports: Iterator[int]) -> OrganisationDescription:
    if world is World.DEVNET:
        return OrganisationDescription(name=name, port=next(ports))
    return OrganisationDescription(
        name=name, port=next(ports), chaincode_port=next(ports), operations_port=next(ports)
    )


def _orderer(world: World, name: str, ports: Iterator[int]) -> OrdererDescription:
    if world is World.DEVNET:
        return OrdererDescription(name=name)
    return OrdererDescription(
        name=name, port=next(ports), admin_port=next(ports), operations_port=next(ports)
    )
