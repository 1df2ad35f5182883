"""A component: a process of the network, how it is started, and how to tell that it is ready."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from gridledger.host.process import ManagedProcess
from gridledger.network.containers.compose_file import ComposeService
from gridledger.network.containers.process import ContainerProcess

__all__ = ["Component", "ComponentKind"]


class ComponentKind(StrEnum):
    """What a component is."""

    DEVNET = "devnet"
    ORDERER = "orderer"
    PEER = "peer"
    CHAINCODE = "chaincode"
    AUTHORITY = "authority"


_LIMITS: Final = {
    ComponentKind.ORDERER: ("1g", 2.0),
    ComponentKind.PEER: ("2g", 2.0),
    ComponentKind.CHAINCODE: ("512m", 1.0),
    ComponentKind.AUTHORITY: ("256m", 0.5),
}
"""Memory and processors of a container: a few times what nodes were seen to take under load."""


@dataclass(frozen=True, kw_only=True)
class Component:
    """One process of the network.

    Parameters
    ----------
    name : str
        `orderer1`, `peer0.org1`, `devnet`, or `probe_1.org1` for release 1 of chaincode `probe`.
    kind : ComponentKind
        What it is.
    directory : Path
        The network's folder.
    port : int
        Where it serves.
    arguments : sequence of str or Path
        Program and arguments.
    environment : mapping of str to str
        All of its environment.
    is_ready : callable
        Tells whether it serves.
    data : Path, optional
        Folder of what it keeps; what `wipe` removes.
    reads : sequence of Path, optional
        Files and folders that it reads, where it runs in a container.
    image : str, optional
        The image that it runs from; a process of this machine without.
    """

    name: str
    kind: ComponentKind
    directory: Path
    port: int
    arguments: Sequence[str | Path]
    environment: Mapping[str, str] = field(repr=False)
    is_ready: Callable[[], bool] = field(repr=False)
    data: Path | None = None
    reads: Sequence[Path] = ()
    image: str | None = None

    @property
    def process(self) -> ManagedProcess:
        """Its process, running or not."""
        kind = ManagedProcess if self.image is None else ContainerProcess
        return kind(name=self.name, directory=self.directory)

    def start(self) -> None:
        """Start it, unless it runs; see `ManagedProcess.start`.

        Raises
        ------
        PrerequisiteMissing
            If it runs in a container and there is no Docker.
        """
        process = self.process
        if isinstance(process, ContainerProcess):
            process.start_service(self.service())
        else:
            process.start(self.arguments, environment=self.environment)

    def service(self) -> ComposeService:
        """Return it as a service of a compose file; ValueError if it has no image."""
        if self.image is None:
            raise ValueError(f"{self.name} runs in no container")
        memory, cpus = _LIMITS[self.kind]
        return ComposeService(
            name=self.name,
            image=self.image,
            command=[str(word) for word in self.arguments],
            environment=self.environment,
            port=self.port,
            reads=self.reads,
            data=self.data,
            memory=memory,
            cpus=cpus,
        )

    def wait_ready(self, *, seconds: float) -> None:
        """Wait until it serves; see `ManagedProcess.wait_ready`."""
        self.process.wait_ready(self.is_ready, seconds=seconds)

    def wipe(self) -> None:
        """Remove what it keeps; it must not run."""
        if self.data is not None and self.data.exists():
            shutil.rmtree(self.data)
