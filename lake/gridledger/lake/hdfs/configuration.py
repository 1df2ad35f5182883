"""Hadoop's configuration files for a cluster on the loopback interface."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from gridledger.host.durable_file import write_file
from gridledger.host.ports import LOOPBACK
from gridledger.lake.hdfs.description import ClusterDescription, DataNodePorts

__all__ = ["write_datanode", "write_namenode"]

_STALE_MS = 3_000
"""A DataNode silent for so long gets no readers and no blocks: else WebHDFS sends readers to dead ones."""

_LOG = """status = warn
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
"""


def write_namenode(folder: Path, cluster: ClusterDescription, data: Path) -> None:
    """Write the NameNode's configuration.

    Parameters
    ----------
    folder : Path
        Goes first on the class path.
    cluster : ClusterDescription
        Ports and replication.
    data : Path
        Where it keeps the file system's image and journal.
    """
    settings = {
        "dfs.namenode.name.dir": data.absolute().as_uri(),
        "dfs.namenode.rpc-address": f"{LOOPBACK}:{cluster.rpc}",
        "dfs.namenode.http-address": f"{LOOPBACK}:{cluster.http}",
        "dfs.namenode.datanode.registration.ip-hostname-check": "false",
        "dfs.namenode.safemode.min.datanodes": "1",
        "dfs.namenode.safemode.extension": "0",
        "dfs.namenode.stale.datanode.interval": str(_STALE_MS),
        "dfs.namenode.stale.datanode.minimum.interval": "1",
        "dfs.namenode.avoid.read.stale.datanode": "true",
        "dfs.namenode.avoid.write.stale.datanode": "true",
        "dfs.namenode.write.stale.datanode.ratio": "1.0",
        "dfs.namenode.heartbeat.recheck-interval": "5000",
        "dfs.namenode.redundancy.interval.seconds": "1s",
        # A file may be closed when its DataNodes have acknowledged the last block to the writer, and before
        # the first of them has told the NameNode of it. Of a single DataNode it always waits to be told.
        "dfs.namenode.file.close.num-committed-allowed": "1",
        # What clients write at once: packs are long, and a DataNode has less to do for each of their bytes.
        "dfs.client-write-packet-size": str(1 << 20),
    }
    _write(folder, cluster, settings)


def write_datanode(folder: Path, cluster: ClusterDescription, ports: DataNodePorts, data: Path) -> None:
    """Write a DataNode's configuration; `data` is where it keeps blocks."""
    settings = {
        "dfs.datanode.data.dir": data.absolute().as_uri(),
        "dfs.datanode.address": f"{LOOPBACK}:{ports.transfer}",
        "dfs.datanode.http.address": f"{LOOPBACK}:{ports.http}",
        "dfs.datanode.ipc.address": f"{LOOPBACK}:{ports.ipc}",
        "dfs.datanode.hostname": LOOPBACK,
        "dfs.namenode.rpc-address": f"{LOOPBACK}:{cluster.rpc}",
        # WebHDFS writes through the DataNode's own client: how long it waits for a file's last block.
        "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": "10",
        "dfs.client.block.write.replace-datanode-on-failure.best-effort": "true",
    }
    _write(folder, cluster, settings)


def _write(folder: Path, cluster: ClusterDescription, settings: Mapping[str, str]) -> None:
    core = {
        "fs.defaultFS": f"hdfs://{LOOPBACK}:{cluster.rpc}",
        # Who comes without a name is nobody; simple authentication believes the others.
        "hadoop.http.staticuser.user": "nobody",
    }
    common = {
        "dfs.replication": str(cluster.replication),
        "dfs.heartbeat.interval": "1",
        "dfs.block.access.token.enable": "true",
    }
    write_file(folder / "core-site.xml", _xml(core), durable=False)
    write_file(folder / "hdfs-site.xml", _xml({**common, **settings}), durable=False)
    write_file(folder / "log4j2.properties", _LOG.encode(), durable=False)


def _xml(settings: Mapping[str, str]) -> bytes:
    root = ET.Element("configuration")
    for name, text in settings.items():
        entry = ET.SubElement(root, "property")
        ET.SubElement(entry, "name").text = name
        ET.SubElement(entry, "value").text = text
    data: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return data
