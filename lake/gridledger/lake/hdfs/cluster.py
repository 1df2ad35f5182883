"""A cluster: made, started, stopped, looked at, and broken in tests of faults."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gridledger.host.errors import ComponentStopped
from gridledger.host.lock import folder_lock
from gridledger.host.ports import LOOPBACK
from gridledger.host.process import ManagedProcess
from gridledger.lake.hdfs.configuration import write_datanode, write_namenode
from gridledger.lake.hdfs.description import FILE_NAME, ClusterDescription
from gridledger.lake.hdfs.java import find_java, hadoop_jars
from gridledger.lake.hdfs.status import DataNodeStatus, HdfsStatus, ask_namenode
from gridledger.model.errors import ConfigError

__all__ = ["NAMENODE", "START_SECONDS", "HdfsCluster"]

NAMENODE = "namenode"
_MAIN = "org.apache.hadoop.hdfs.server"
_FLAGS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true")
START_SECONDS = 300.0
"""On a machine that is busy with other things two minutes were not enough."""
_FORMAT_SECONDS = 120.0
_PASSED_ON = ("PATH", "HOME", "USER", "LANG", "TZ")


@dataclass(frozen=True, kw_only=True)
class HdfsCluster:
    """A NameNode and DataNodes that listen on the loopback interface only.

    Parameters
    ----------
    directory : Path
        Its folder: configuration, data, logs, process ids.
    description : ClusterDescription
        Ports and replication.

    Notes
    -----
    Authentication is Hadoop's simple one, which believes a caller's name: whoever reaches the ports of this
    machine can read and delete files. Payloads of the lake are sealed before they leave a client.
    """

    directory: Path
    description: ClusterDescription

    @classmethod
    def create(
        cls, directory: Path, *, datanodes: int = 3, replication: int = 3, image: str | None = None
    ) -> HdfsCluster:
        """Make a cluster's folder; nothing is started.

        Parameters
        ----------
        directory : Path
            The folder, which holds no cluster yet.
        datanodes : int, default 3
            1 to 20.
        replication : int, default 3
            Copies of a block, at most as many as DataNodes.
        image : str, optional
            Each process is to run in a container of this image, see `container_cluster`.

        Raises
        ------
        ConfigError
            If there is a cluster, or the numbers do not fit.
        """
        if not 1 <= datanodes <= 20:
            raise ConfigError("is not within 1 and 20", key="datanodes", source="argument", value=datanodes)
        if not 1 <= replication <= datanodes:
            text = f"is not within 1 and {datanodes}, the number of DataNodes"
            raise ConfigError(text, key="replication", source="argument", value=replication)
        directory = directory.absolute()
        with folder_lock(directory):
            if (directory / FILE_NAME).exists():
                raise ConfigError("holds a cluster already", key="dir", source=str(directory))
            description = ClusterDescription.draw(datanodes=datanodes, replication=replication, image=image)
            description.write(directory)
        return _cluster(directory, description)

    @classmethod
    def open(cls, directory: Path) -> HdfsCluster:
        """Return the cluster of a folder.

        Raises
        ------
        ConfigError
            If there is none.
        """
        directory = directory.absolute()
        return _cluster(directory, ClusterDescription.read(directory))

    @property
    def url(self) -> str:
        """Where clients find the file system."""
        return f"hdfs://{LOOPBACK}:{self.description.rpc}"

    @property
    def web_url(self) -> str:
        """Where WebHDFS is."""
        return f"http://{LOOPBACK}:{self.description.http}"

    @property
    def client_configuration(self) -> dict[str, str]:
        """Settings that a client of so few DataNodes wants: with one lost there is no other to write to."""
        return {"dfs.client.block.write.replace-datanode-on-failure.enable": "false"}

    @property
    def datanodes(self) -> tuple[str, ...]:
        """Names of the DataNodes."""
        return tuple(f"datanode{number}" for number, _ in enumerate(self.description.datanodes, start=1))

    # --- life

    def up(self) -> None:
        """Start what does not run, and wait until the file system takes writes on all DataNodes.

        Raises
        ------
        PrerequisiteMissing
            If there is no Java 17, no PySpark, or the one jar cannot be had.
        ComponentStopped, StartTimeout
            If a process ends, or is not ready within 300 s.
        """
        with folder_lock(self.directory):
            for name in (NAMENODE, *self.datanodes):
                self._start(name)
            self._process(NAMENODE).wait_ready(self._is_ready, seconds=START_SECONDS)
            for name in self.datanodes:
                self._process(name).wait_ready(self._is_ready, seconds=START_SECONDS)

    def down(self) -> None:
        """Stop all processes; data stay, and `up` goes on with them."""
        with folder_lock(self.directory):
            self._stop_all()

    def remove(self) -> None:
        """Stop all processes and remove the folder with all data."""
        with folder_lock(self.directory):
            self._stop_all()
            shutil.rmtree(self.directory)

    def start(self, name: str) -> None:
        """Start one process and do not wait until the NameNode hears of it."""
        with folder_lock(self.directory):
            self._start(self._known(name))

    def stop(self, name: str) -> None:
        """Stop one process."""
        with folder_lock(self.directory):
            self._process(self._known(name)).stop()

    def kill(self, name: str) -> None:
        """End one process at once, as a crash would; for tests of faults."""
        self._process(self._known(name)).kill()

    def status(self) -> HdfsStatus:
        """Look at processes and the NameNode's own state."""
        state = ask_namenode(self.description.http)
        live = state.live if state is not None else frozenset()
        return HdfsStatus(
            url=self.url,
            web_url=self.web_url,
            namenode_pid=self._pid(NAMENODE),
            state=state,
            datanodes=tuple(
                DataNodeStatus(name=name, pid=self._pid(name), is_live=ports.transfer in live)
                for name, ports in zip(self.datanodes, self.description.datanodes, strict=True)
            ),
        )

    def logs(self, name: str, lines: int = 20) -> str:
        """Return the end of a process's log."""
        return self._process(self._known(name)).log_tail(lines)

    # --- processes

    def _is_ready(self) -> bool:
        state = ask_namenode(self.description.http)
        wanted = {ports.transfer for ports in self.description.datanodes}
        # Before a DataNode's first full report there is no room to place blocks in.
        return state is not None and not state.is_safe and state.live >= wanted and state.capacity_bytes > 0

    def _start(self, name: str) -> None:
        process = self._process(name)
        if process.pid() is not None:
            return
        java = find_java()
        configuration, data = self.directory / "conf" / name, self.directory / "data" / name
        jars = hadoop_jars(java)
        command = [str(java), *_FLAGS, "-cp", os.pathsep.join(map(str, (configuration, *jars)))]
        command.append(f"-Dlog4j2.configurationFile={configuration / 'log4j2.properties'}")
        if name == NAMENODE:
            write_namenode(configuration, self.description, data)
            command.append(f"{_MAIN}.namenode.NameNode")
            if not (data / "current" / "VERSION").exists():
                self._format(command)
        else:
            ports = self.description.datanodes[self.datanodes.index(name)]
            write_datanode(configuration, self.description, ports, data)
            command.append(f"{_MAIN}.datanode.DataNode")
        process.start(command, environment=_environment())

    def _format(self, command: list[str]) -> None:
        log = self._process(NAMENODE).log
        ended = subprocess.run(
            [*command, "-format", "-nonInteractive"],
            cwd=self.directory,
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_FORMAT_SECONDS,
        )
        if ended.returncode != 0:
            raise ComponentStopped(NAMENODE, log=log, log_tail=(ended.stdout + ended.stderr)[-4096:])

    def _stop_all(self) -> None:
        names = (*self.datanodes, NAMENODE)
        for name in names:
            self._process(name).request_stop()
        for name in names:
            self._process(name).stop()

    def _process(self, name: str) -> ManagedProcess:
        return ManagedProcess(name=name, directory=self.directory)

    def _pid(self, name: str) -> int | None:
        return self._process(name).pid()

    def _known(self, name: str) -> str:
        names = (NAMENODE, *self.datanodes)
        if name not in names:
            raise ConfigError(f"there are {', '.join(names)}", key="process", source="argument", value=name)
        return name


def _cluster(directory: Path, description: ClusterDescription) -> HdfsCluster:
    if description.image is None:
        return HdfsCluster(directory=directory, description=description)
    from gridledger.lake.hdfs.container_cluster import ContainerCluster

    return ContainerCluster(directory=directory, description=description)


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
