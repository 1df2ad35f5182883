"""`compose.yaml`: a service for each component of a network, with the paths and ports of a process."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from gridledger.host.durable_file import write_file

__all__ = ["ComposeFile", "ComposeService"]

_NAME: Final = "compose.yaml"
_STOP_SECONDS: Final = 8
"""Below the time after which a process of ours is killed."""


@dataclass(frozen=True, kw_only=True)
class ComposeService:
    """A component as a service.

    Parameters
    ----------
    name : str
        Name of the component.
    image : str
        Image that it runs from.
    command : sequence of str
        What the image's entry point gets.
    environment : mapping of str to str
        Its environment.
    port : int
        Where it serves, for the health check.
    reads : sequence of Path
        Files and folders that it reads.
    data : Path or None
        Folder that it writes.
    memory : str
        Most memory, such as `1g`.
    cpus : float
        Most processors.
    """

    name: str
    image: str
    command: Sequence[str]
    environment: Mapping[str, str]
    port: int
    reads: Sequence[Path]
    data: Path | None
    memory: str
    cpus: float

    def to_value(self) -> dict[str, Any]:
        """Return it as the compose file has it.

        Notes
        -----
        On the host's network, so that addresses, certificates and clients are those of processes; folders
        stand inside where they stand outside, and belong to who started the network.
        """
        mounts = [_mount(path, read_only=True) for path in self.reads]
        if self.data is not None:
            mounts.append(_mount(self.data, read_only=False))
        return {
            "image": self.image,
            # A dollar sign of ours is none of Compose's variables.
            "command": [word.replace("$", "$$") for word in self.command],
            "environment": {key: value.replace("$", "$$") for key, value in self.environment.items()},
            "network_mode": "host",
            "user": f"{os.getuid()}:{os.getgid()}",
            "init": True,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "stop_grace_period": f"{_STOP_SECONDS}s",
            "volumes": mounts,
            "healthcheck": {
                "test": ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{self.port}"],
                "interval": "5s",
                "timeout": "3s",
                "retries": 12,
                "start_period": "5s",
            },
            "mem_limit": self.memory,
            "cpus": self.cpus,
            "pids_limit": 2048,
            "logging": {"driver": "json-file", "options": {"max-size": "20m", "max-file": "3"}},
        }


@dataclass(frozen=True, kw_only=True)
class ComposeFile:
    """The compose file of a network's folder; the caller holds the folder's lock.

    Parameters
    ----------
    directory : Path
        The folder.
    """

    directory: Path

    @property
    def path(self) -> Path:
        """Where it stands."""
        return self.directory / _NAME

    @property
    def project(self) -> str:
        """Compose's name for the network: of its folder."""
        return f"gridledger-{hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]}"

    def services(self) -> dict[str, Any]:
        """Return the services that stand in it; none where there is no file."""
        if not self.path.exists():
            return {}
        found: dict[str, Any] = yaml.safe_load(self.path.read_text())["services"]
        return found

    def put(self, services: Iterable[ComposeService]) -> None:
        """Write services in the place of their namesakes."""
        known = self.services()
        new = known | {service.name: service.to_value() for service in services}
        if new != known:
            self._write(new)

    def drop(self, names: Iterable[str]) -> None:
        """Remove services; nothing happens for those that are not there."""
        gone = set(names)
        known = self.services()
        if gone & known.keys():
            self._write({name: service for name, service in known.items() if name not in gone})

    def command(self, compose: Sequence[str]) -> list[str]:
        """Return the command of Compose for this file."""
        return [*compose, "-p", self.project, "-f", str(self.path)]

    def _write(self, services: Mapping[str, Any]) -> None:
        text = yaml.safe_dump({"services": dict(services)}, sort_keys=False)
        write_file(self.path, text.encode())


def _mount(path: Path, *, read_only: bool) -> dict[str, Any]:
    return {"type": "bind", "source": str(path), "target": str(path), "read_only": read_only}
