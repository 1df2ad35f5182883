"""All components of a network: those of its world, and the processes of its chaincodes."""

from __future__ import annotations

from pathlib import Path

from gridledger.network.attached.world import AttachedWorld
from gridledger.network.component import Component
from gridledger.network.description import NetworkDescription, World
from gridledger.network.errors import UnknownComponent
from gridledger.network.fabric.world import FabricWorld
from gridledger.network.release import ReleaseFiles
from gridledger.network.world import EmbeddedWorld, WorldRunner

__all__ = ["Inventory"]


class Inventory:
    """The components as `network.json` names them now.

    Parameters
    ----------
    directory : Path
        The network's folder.

    Raises
    ------
    ConfigError
        If `network.json` cannot be read.
    PrerequisiteMissing
        If the world is Fabric and a binary is not there.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._description = NetworkDescription.load(directory)

    def world(self) -> WorldRunner:
        """Return what runs orderers and peers."""
        if self._description.world is World.ATTACHED:
            return AttachedWorld()
        runner = FabricWorld if self._description.world is World.FABRIC else EmbeddedWorld
        return runner(self._description, self._directory)

    def components(self) -> list[Component]:
        """Return all components, in the order of their start."""
        return self.world().components() + [
            component for release in self._releases() for component in release.components()
        ]

    def component(self, name: str) -> Component:
        """Return the component `name`.

        Raises
        ------
        UnknownComponent
            If there is none.
        """
        components = {component.name: component for component in self.components()}
        if name not in components:
            raise UnknownComponent("component", name, known=sorted(components))
        return components[name]

    def release(self, chaincode: str) -> ReleaseFiles:
        """Return a chaincode's current release.

        Raises
        ------
        UnknownComponent
            If the chaincode is not deployed.
        """
        current = self._description.chaincode(chaincode).current
        if current is None:
            raise UnknownComponent("deployed chaincode", chaincode, known=[])
        return ReleaseFiles(chaincode, current, self._directory)

    def _releases(self) -> list[ReleaseFiles]:
        return [
            ReleaseFiles(chaincode.name, release, self._directory)
            for chaincode in self._description.chaincodes
            for release in (chaincode.current, chaincode.pending)
            if release is not None
        ]
