"""A new network's description and key material."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gridledger.host.lock import folder_lock
from gridledger.host.ports import free_ports
from gridledger.model.errors import ConfigError
from gridledger.network.authority import NodeRole
from gridledger.network.description import (
    FILE_NAME,
    ContainerImages,
    NetworkDescription,
    OrdererDescription,
    OrganisationDescription,
    Settings,
    World,
)
from gridledger.network.material import OrganisationKind, OrganisationMaterial

__all__ = ["ADMIN", "CHANNEL", "USER", "create_folder", "default_settings", "describe"]

CHANNEL = "energy"
ADMIN = "admin"
"""The administrator that every organisation has."""
USER = "user1"
"""The client that every peer organisation has."""
_MAX_ORGANISATIONS = 20
_ORDERERS = {World.DEVNET: 1, World.FABRIC: 4}
_MAX_WAITING = {World.DEVNET: 0, World.FABRIC: 40}
# As many as a council may have seats.
# Four is the least at which SmartBFT stands one that lies; devnet has one key to sign blocks with.
_BLOCK_INTERVALS_MS = {World.DEVNET: 10, World.FABRIC: 100}
# Agreeing on a block costs four orderers work that is worth sharing; a block of devnet is one write to disk.


def default_settings(world: World) -> Settings:
    """Return how blocks are cut where nobody says otherwise."""
    interval_ms = _BLOCK_INTERVALS_MS.get(world)
    return Settings(block_interval_ms=interval_ms) if interval_ms is not None else Settings()


def describe(
    world: World,
    *,
    organisations: int,
    binaries: Path | None,
    settings: Settings,
    waiting_orderers: int = 0,
    containers: ContainerImages | None = None,
) -> NetworkDescription:
    """Return a new network: names, and ports that are free now.

    Parameters
    ----------
    world : World
        What is to run it.
    organisations : int
        Number of peer organisations, from 1 to 20.
    binaries : Path or None
        Folder of Fabric's binaries.
    settings : Settings
        How blocks are cut.
    waiting_orderers : int, default 0
        Orderers in wait, of the peer organisations by turns.
    containers : ContainerImages, optional
        Fabric only: the images to run from; native processes by default.

    Raises
    ------
    ConfigError
        If a number is out of its range.
    """
    if world is World.ATTACHED:
        raise ConfigError("is attached to, not made", key="world", source="Network.create", value=world.value)
    if not 1 <= organisations <= _MAX_ORGANISATIONS:
        raise ConfigError(
            f"want 1 to {_MAX_ORGANISATIONS}",
            key="organisations",
            source="Network.create",
            value=organisations,
        )
    most = _MAX_WAITING[world]
    if not 0 <= waiting_orderers <= most:
        raise ConfigError(
            f"want 0 to {most}", key="waiting_orderers", source="Network.create", value=waiting_orderers
        )
    if containers is not None and world is not World.FABRIC:
        raise ConfigError(
            "runs in no containers", key="containers", source="Network.create", value=world.value
        )
    ports = free_ports()
    first = _ORDERERS[world]
    waiting = [
        replace(
            _orderer(world, f"orderer{first + number + 1}", ports),
            organisation=f"org{number % organisations + 1}",
        )
        for number in range(waiting_orderers)
    ]
    described = [_organisation(world, f"org{number + 1}", ports) for number in range(organisations)]
    if containers is not None:
        described = [replace(one, authority_port=next(ports)) for one in described]
    return NetworkDescription(
        world=world,
        channel=CHANNEL,
        organisations=described,
        orderers=[*(_orderer(world, f"orderer{number + 1}", ports) for number in range(first)), *waiting],
        settings=settings,
        binaries=str(binaries) if binaries else None,
        containers=containers,
    )


def create_folder(description: NetworkDescription, directory: Path) -> None:
    """Fill a network's folder: keys and certificates, then the description.

    Parameters
    ----------
    description : NetworkDescription
        The network.
    directory : Path
        Its folder; may exist, but not hold a network.

    Raises
    ------
    ConfigError
        If the folder holds a network.
    """
    with folder_lock(directory):
        if (directory / FILE_NAME).exists():
            raise ConfigError("there is a network already", key=FILE_NAME, source=str(directory))
        shutil.rmtree(directory / "organizations", ignore_errors=True)
        _make_material(description, directory)
        # The last file written: a folder without it holds no network.
        description.save(directory)


def _make_material(description: NetworkDescription, directory: Path) -> None:
    orderers = zip(description.orderers, description.orderer_material(directory), strict=True)
    for orderer, organisation in orderers:
        if orderer.is_waiting:
            continue
        made = OrganisationMaterial.create(organisation.root, organisation.name, OrganisationKind.ORDERER)
        made.add_orderer(orderer.member_name)
        made.add_user(ADMIN, role=NodeRole.ADMIN)
    for organisation in description.peer_material(directory):
        made = OrganisationMaterial.create(organisation.root, organisation.name, OrganisationKind.PEER)
        made.add_node("peer0")
        made.add_user(ADMIN, role=NodeRole.ADMIN)
        made.add_user(USER)
        for orderer in description.orderers:
            if orderer.organisation == organisation.name:
                made.add_orderer(orderer.member_name)


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
