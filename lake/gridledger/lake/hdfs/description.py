"""What stands in a cluster's folder: ports and replication, chosen when it is made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gridledger.host.durable_file import write_file
from gridledger.host.ports import free_ports
from gridledger.model.errors import ConfigError, ModelError
from gridledger.model.record import ModelValue, Record, record, value

__all__ = ["FILE_NAME", "ClusterDescription", "DataNodePorts"]

FILE_NAME = "hdfs.json"


@value
class DataNodePorts(ModelValue):
    """Ports of one DataNode.

    Attributes
    ----------
    transfer, http, ipc : int
        For blocks, for WebHDFS, for commands.
    """

    transfer: int
    http: int
    ipc: int


@record("hdfs-cluster/1")
class ClusterDescription(Record):
    """A cluster.

    Attributes
    ----------
    rpc, http : int
        Ports of the NameNode: for clients, and for WebHDFS and its state.
    replication : int
        Copies of a block that is written without naming a number.
    datanodes : tuple of DataNodePorts
        `datanode1`, `datanode2`, …
    image : str or None
        Of the containers that they run in; None for processes of this machine.
    """

    rpc: int
    http: int
    replication: int
    datanodes: tuple[DataNodePorts, ...]
    image: str | None = None

    @classmethod
    def draw(cls, *, datanodes: int, replication: int, image: str | None = None) -> ClusterDescription:
        """Choose free ports."""
        ports = free_ports()
        return cls(
            rpc=next(ports),
            http=next(ports),
            replication=replication,
            datanodes=tuple(_draw_ports(ports) for _ in range(datanodes)),
            image=image,
        )

    @classmethod
    def read(cls, directory: Path) -> ClusterDescription:
        """Read it from a cluster's folder.

        Raises
        ------
        ConfigError
            If there is none, or it is not one.
        """
        path = directory / FILE_NAME
        try:
            return cls.from_bytes(path.read_bytes())
        except FileNotFoundError as error:
            raise ConfigError(
                "holds no HDFS: gridledger lake up makes one", key="dir", source=str(directory)
            ) from error
        except (OSError, ModelError) as error:
            raise ConfigError(f"cannot be read: {error}", key=FILE_NAME, source=str(directory)) from error

    def write(self, directory: Path) -> None:
        """Write it into a cluster's folder."""
        write_file(directory / FILE_NAME, self.to_bytes())


def _draw_ports(ports: Iterator[int]) -> DataNodePorts:
    return DataNodePorts(transfer=next(ports), http=next(ports), ipc=next(ports))
