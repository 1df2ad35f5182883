"""A component: a process of the network, how it is started, and how to tell that it is ready."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from gridledger.host.process import ManagedProcess

__all__ = ["Component", "ComponentKind"]


class ComponentKind(StrEnum):
    """What a component is."""

    DEVNET = "devnet"
    ORDERER = "orderer"
    PEER = "peer"
    CHAINCODE = "chaincode"


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
    """

    name: str
    kind: ComponentKind
    directory: Path
    port: int
    arguments: Sequence[str | Path]
    environment: Mapping[str, str] = field(repr=False)
    is_ready: Callable[[], bool] = field(repr=False)
    data: Path | None = None

    @property
    def process(self) -> ManagedProcess:
        """Its process, running or not."""
        return ManagedProcess(name=self.name, directory=self.directory)

    def start(self) -> None:
        """Start it, unless it runs; see `ManagedProcess.start`."""
        self.process.start(self.arguments, environment=self.environment)

    def wait_ready(self, *, seconds: float) -> None:
        """Wait until it serves; see `ManagedProcess.wait_ready`."""
        self.process.wait_ready(self.is_ready, seconds=seconds)

    def wipe(self) -> None:
        """Remove what it keeps; it must not run."""
        if self.data is not None and self.data.exists():
            shutil.rmtree(self.data)
