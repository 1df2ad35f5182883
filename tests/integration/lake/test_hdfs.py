"""HDFS on this machine: writes, reads, lost DataNodes, restarts."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

import httpx
import pytest
from hdfs_native import Client, WriteOptions
from tests.hdfs import wait_until

from gridledger.host.errors import PrerequisiteMissing
from gridledger.lake.hdfs import HdfsCluster
from gridledger.lake.hdfs.description import FILE_NAME
from gridledger.model.errors import ConfigError
from hdfs import InsecureClient

pytestmark = [pytest.mark.xdist_group("hdfs"), pytest.mark.timeout(300)]

DATA = os.urandom(3_000_000)


def _write(cluster: HdfsCluster, path: str) -> None:
    """Write, again where it met a DataNode that the NameNode has not given up yet."""
    deadline = time.monotonic() + 120
    while True:
        try:
            with Client(cluster.url, cluster.client_configuration).create(
                path, WriteOptions(overwrite=True)
            ) as stream:
                stream.write(DATA)
        except (OSError, RuntimeError):
            if time.monotonic() > deadline:
                raise
        else:
            return


def _read(cluster: HdfsCluster, path: str) -> bytes:
    with Client(cluster.url).read(path) as stream:
        data: bytes = stream.read()
    return data


def test_what_is_written_by_rpc_is_read_by_webhdfs(hdfs: HdfsCluster) -> None:
    _write(hdfs, "/rpc")
    with InsecureClient(hdfs.web_url, user="lake").read("/rpc") as stream:
        assert stream.read() == DATA
    status = Client(hdfs.url).get_file_info("/rpc")
    assert (status.length, status.replication) == (len(DATA), 3)


def test_who_comes_without_a_name_is_nobody(hdfs: HdfsCluster) -> None:
    url = f"{hdfs.web_url}/webhdfs/v1/by-nobody?op=MKDIRS"
    answer = httpx.put(url, timeout=30)
    assert answer.status_code == 403
    assert "user=nobody" in answer.json()["RemoteException"]["message"]


def test_one_datanode_lost_leaves_all_readable_and_comes_back(hdfs: HdfsCluster) -> None:
    _write(hdfs, "/before")
    hdfs.kill("datanode2")
    assert _read(hdfs, "/before") == DATA
    wait_until(lambda: not hdfs.status().datanodes[1].is_live)
    assert not hdfs.status().is_healthy
    _write(hdfs, "/meanwhile")
    assert _read(hdfs, "/meanwhile") == DATA
    hdfs.start("datanode2")
    wait_until(lambda: hdfs.status().is_healthy)


def test_data_stay_over_a_restart_of_everything(hdfs: HdfsCluster) -> None:
    _write(hdfs, "/kept")
    hdfs.down()
    assert hdfs.status().namenode_pid is None
    assert {each.pid for each in hdfs.status().datanodes} == {None}
    hdfs.up()
    assert _read(HdfsCluster.open(hdfs.directory), "/kept") == DATA


def test_everything_listens_on_the_loopback_interface_only(hdfs: HdfsCluster) -> None:
    pids = {hdfs.status().namenode_pid, *(each.pid for each in hdfs.status().datanodes)}
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed since the folder was listed
                target = str(link.readlink())
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A" and columns[9] in inodes:
                listening.add(columns[1].partition(":")[0])
    assert listening == {"0100007F"}


def test_status_is_json(hdfs: HdfsCluster) -> None:
    wait_until(lambda: hdfs.status().is_healthy)  # DataNodes that have just started still report blocks
    value = json.loads(json.dumps(hdfs.status().to_value()))
    assert value["healthy"] is True
    assert [each["name"] for each in value["datanodes"]] == ["datanode1", "datanode2", "datanode3"]


def test_logs_of_an_unknown_process_are_refused(hdfs: HdfsCluster) -> None:
    with pytest.raises(ConfigError, match="there are namenode, datanode1"):
        hdfs.logs("datanode4")


def test_without_java_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    cluster = HdfsCluster.create(tmp_path / "cluster")
    with pytest.raises(PrerequisiteMissing, match="install a Java runtime 17"):
        cluster.up()


@pytest.mark.parametrize(("datanodes", "replication"), [(0, 1), (21, 3), (2, 3), (3, 0)])
def test_numbers_that_do_not_fit_are_refused(tmp_path: Path, datanodes: int, replication: int) -> None:
    with pytest.raises(ConfigError):
        HdfsCluster.create(tmp_path, datanodes=datanodes, replication=replication)
    assert not (tmp_path / FILE_NAME).exists()


def test_second_cluster_in_a_folder_is_refused(tmp_path: Path) -> None:
    HdfsCluster.create(tmp_path, datanodes=1, replication=1)
    with pytest.raises(ConfigError, match="already"):
        HdfsCluster.create(tmp_path)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"schema":"hdfs-cluster/2"}'])
def test_description_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(ConfigError, match="cannot be read"):
        HdfsCluster.open(tmp_path)
