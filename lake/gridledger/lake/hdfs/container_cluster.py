"""The same cluster with each process in a container of its own, by Docker Compose."""

from __future__ import annotations

import getpass
import hashlib
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, Final

import yaml

from gridledger.host.docker import compose, docker, find_compose
from gridledger.host.durable_file import write_file
from gridledger.host.errors import StartTimeout
from gridledger.host.lock import folder_lock
from gridledger.lake.hdfs.cluster import NAMENODE, START_SECONDS, HdfsCluster
from gridledger.lake.hdfs.configuration import write_datanode, write_namenode
from gridledger.lake.hdfs.java import find_java, hadoop_jars

__all__ = ["IMAGE", "ContainerCluster", "build_image"]

IMAGE: Final = "gridledger/hdfs:3.5.0"
_DATA: Final = PurePosixPath("/data")
_FILES: Final = ("Dockerfile", "node.sh")
_POLL_SECONDS = 0.2
_STOP_SECONDS = 20


def build_image(folder: Path, *, base: str | None = None, image: str = IMAGE) -> str:
    """Build the image of NameNode and DataNodes.

    Parameters
    ----------
    folder : Path
        Becomes the build's context: Dockerfile, script and jars.
    base : str, optional
        The image that it stands on; Debian's by default, which gets Java from Debian's packages.
    image : str, optional
        The image's name.

    Raises
    ------
    PrerequisiteMissing
        If there is no Docker, or the jars cannot be had: they are resolved by Java, once.
    ComponentStopped
        If the build fails.
    """
    find_compose()
    (folder / "jars").mkdir(parents=True, exist_ok=True)
    for jar in hadoop_jars(find_java()):
        if not (folder / "jars" / jar.name).exists():
            shutil.copyfile(jar, folder / "jars" / jar.name)
    for name in _FILES:
        text = resources.files("gridledger.lake.hdfs").joinpath("image", name).read_bytes()
        write_file(folder / name, text, durable=False)
    chosen = ("--build-arg", f"BASE={base}") if base else ()
    docker(["build", *chosen, "-t", image, folder], name="image", log=folder / "Dockerfile")
    return image


@dataclass(frozen=True, kw_only=True)
class ContainerCluster(HdfsCluster):
    """A NameNode and DataNodes in containers that share this machine's loopback interface.

    Notes
    -----
    They use the host's network, so that ports, addresses and clients are those of `HdfsCluster`; that needs a
    Docker engine on Linux. Data lie in volumes, one a process.
    """

    @property
    def project(self) -> str:
        """Compose's name for this cluster: of its folder."""
        return f"gridledger-lake-{hashlib.sha256(str(self.directory).encode()).hexdigest()[:12]}"

    def up(self) -> None:
        """Build the image if it is missing, start what does not run, and wait until writes are taken.

        Raises
        ------
        PrerequisiteMissing
            If there is no Docker engine or Compose, or the image cannot be built.
        ComponentStopped, StartTimeout
            If a container cannot be started, or is not ready within 300 s.
        """
        with folder_lock(self.directory):
            self._prepare()
            compose(["up", "-d"], folder=self.directory, project=self.project)
            self._wait_ready()

    def start(self, name: str) -> None:
        """Start one container and do not wait until the NameNode hears of it."""
        compose(["start", self._known(name)], folder=self.directory, project=self.project)

    def stop(self, name: str) -> None:
        """Stop one container."""
        compose(["stop", self._known(name)], folder=self.directory, project=self.project)

    def kill(self, name: str) -> None:
        """End one container at once, as a crash would; for tests of faults."""
        compose(["kill", self._known(name)], folder=self.directory, project=self.project)

    def remove(self) -> None:
        """Remove containers, their volumes with all data, and the folder."""
        with folder_lock(self.directory):
            if (self.directory / "compose.yaml").exists():
                compose(["down", "-v"], folder=self.directory, project=self.project)
            shutil.rmtree(self.directory)

    def logs(self, name: str, lines: int = 20) -> str:
        """Return the end of a container's log."""
        known = self._known(name)
        return compose(
            ["logs", "--no-color", "--tail", str(lines), known], folder=self.directory, project=self.project
        )

    def _prepare(self) -> None:
        find_compose()
        configuration = self.directory / "conf"
        data = Path(_DATA)
        write_namenode(configuration / NAMENODE, self.description, data)
        for name, ports in zip(self.datanodes, self.description.datanodes, strict=True):
            write_datanode(configuration / name, self.description, ports, data)
        image = self.description.image or IMAGE
        if not docker(["images", "-q", image], name="image", log=self.directory).strip():
            build_image(self.directory / "image", image=image)
        described = yaml.safe_dump(self.compose_content(), sort_keys=False)
        write_file(self.directory / "compose.yaml", described.encode())

    def compose_content(self) -> Mapping[str, Any]:
        """Return the content of the compose file; its paths are absolute."""
        image = self.description.image or IMAGE
        names = (NAMENODE, *self.datanodes)
        described = [self.description.http, *(one.http for one in self.description.datanodes)]
        ports = dict(zip(names, described, strict=True))
        return {
            "services": {
                name: {
                    "image": image,
                    "command": [NAMENODE if name == NAMENODE else "datanode"],
                    "network_mode": "host",
                    # The file system belongs to whom makes it, as where processes run.
                    "environment": {"HADOOP_USER_NAME": getpass.getuser()},
                    "init": True,
                    "cap_drop": ["ALL"],
                    "security_opt": ["no-new-privileges"],
                    "stop_grace_period": f"{_STOP_SECONDS}s",
                    "volumes": [f"{self.directory / 'conf' / name}:/conf:ro", f"{name}:{_DATA}"],
                    "healthcheck": {
                        "test": ["CMD", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{ports[name]}"],
                        "interval": "5s",
                        "timeout": "3s",
                        "retries": 12,
                        "start_period": "30s",
                    },
                    "mem_limit": "1g",
                    "cpus": 2.0,
                    "pids_limit": 2048,
                }
                for name in names
            },
            # As Compose names them for this project; said here, so that other files find them.
            "volumes": {name: {"name": f"{self.project}_{name}"} for name in names},
        }

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline:
                name = next((one for one in (NAMENODE, *self.datanodes) if self._pid(one) is None), NAMENODE)
                raise StartTimeout(
                    name, seconds=START_SECONDS, log=self.directory / "compose.yaml", log_tail=self.logs(name)
                )
            time.sleep(_POLL_SECONDS)

    def _stop_all(self) -> None:
        if (self.directory / "compose.yaml").exists():
            compose(["stop"], folder=self.directory, project=self.project)

    def _pid(self, name: str) -> int | None:
        if not (self.directory / "compose.yaml").exists():
            return None
        found = compose(["ps", "-q", name], folder=self.directory, project=self.project).split()
        if not found:
            return None
        said = docker(["inspect", "-f", "{{.State.Pid}}", found[0]], name=name, log=self.directory)
        return int(said) or None
