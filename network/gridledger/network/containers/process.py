"""A container as a process of ours: Compose in the foreground, whose log and end are the container's."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gridledger.host.docker import compose, find_compose
from gridledger.host.errors import NotRunning, PrerequisiteMissing
from gridledger.host.process import ManagedProcess
from gridledger.network.containers.compose_file import ComposeFile, ComposeService

__all__ = ["ContainerProcess", "remove_containers"]

_CALL_SECONDS: Final = 60.0
_INHERITED: Final = (
    "PATH",
    "HOME",
    "LANG",
    "XDG_RUNTIME_DIR",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
)


@dataclass(frozen=True, kw_only=True)
class ContainerProcess(ManagedProcess):
    """A service of the folder's compose file; it is stopped as processes are: Compose passes SIGTERM on."""

    @property
    def file(self) -> ComposeFile:
        """The compose file."""
        return ComposeFile(directory=self.directory)

    def start_service(self, service: ComposeService) -> int:
        """Write the service and start its container, unless it runs; raises as `ManagedProcess.start`."""
        command = self.file.command(find_compose())
        if service.data is not None:
            # Made by us, it belongs to us; Docker would make it root's.
            service.data.mkdir(parents=True, exist_ok=True)
        self.file.put([service])
        return self.start(
            [*command, "up", "--no-deps", "--no-color", "--no-log-prefix", self.name],
            environment=_environment(),
        )

    def kill(self) -> None:
        """End the container as a crash would (SIGKILL); NotRunning if it does not run."""
        if self.pid() is None:
            raise NotRunning(f"{self.name} does not run", component=self.name)
        command = self.file.command(find_compose())
        try:
            subprocess.run(
                [*command, "kill", self.name],
                capture_output=True,
                check=False,
                timeout=_CALL_SECONDS,
                env=_environment(),
            )
        except subprocess.TimeoutExpired as error:
            raise PrerequisiteMissing(
                "a Docker engine that answers", remedy=f"it was silent for {_CALL_SECONDS:g} s"
            ) from error
        self.stop()


def remove_containers(directory: Path) -> None:
    """Remove what Docker keeps of a network's stopped containers; nothing where there is no compose file.

    Raises
    ------
    PrerequisiteMissing, ComponentStopped
        If there is no Docker, or it refuses.
    """
    file = ComposeFile(directory=directory)
    if file.path.exists():
        compose(["down", "--remove-orphans"], folder=directory, project=file.project)


def _environment() -> Mapping[str, str]:
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}
