"""HDFS in containers: by `lake up --containers`, and by testcontainers from the same image."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.unit.lake.payloads import meter_csv, noise

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.crypto.secret_key import SecretKey
from gridledger.lake import Lake, check, open_store
from gridledger.lake.hdfs import HdfsCluster
from gridledger.lake.hdfs.configuration import write_datanode, write_namenode
from gridledger.lake.hdfs.container_cluster import ContainerCluster
from gridledger.lake.hdfs.status import ask_namenode

pytestmark = [pytest.mark.xdist_group("hdfs"), pytest.mark.timeout(1800)]


def call(*arguments: object) -> Any:
    stream, errors = io.StringIO(), io.StringIO()
    code = run([*map(str, arguments), "--json"], Output(stream=stream, errors=errors))
    assert code == 0, errors.getvalue()
    return json.loads(stream.getvalue())


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.2)


@pytest.fixture
def folder(image: str, tmp_path: Path) -> Iterator[Path]:
    """Start a cluster of containers by the command; remove it with its volumes."""
    directory = tmp_path / "hdfs"
    try:
        status = call("lake", "up", "--containers", "--image", image, "--dir", directory)
        assert status["healthy"] is True
        yield directory
    finally:
        if directory.exists():
            HdfsCluster.open(directory).remove()


def test_lake_on_containers_survives_a_lost_datanode_and_a_restart(folder: Path, tmp_path: Path) -> None:
    config = ("--config", tmp_path / "lake.toml")
    call("lake", "init", "--dir", folder, *config)
    source, target = tmp_path / "meters.csv", tmp_path / "got.csv"
    source.write_bytes(meter_csv(60_000))
    stored = call("lake", "put", source, *config)
    cluster = HdfsCluster.open(folder)
    assert isinstance(cluster, ContainerCluster)
    cluster.kill("datanode2")
    wait(lambda: not cluster.status().datanodes[1].is_live)
    assert call("lake", "get", "meters.csv", target, *config)["sha256"] == stored["sha256"]
    assert target.read_bytes() == source.read_bytes()
    call("lake", "down", "--dir", folder)
    assert {one["pid"] for one in call("lake", "status", "--dir", folder)["datanodes"]} == {None}
    assert call("lake", "up", "--dir", folder)["healthy"] is True
    assert call("lake", "check", "--read-data", *config)["damage"] == []


def test_image_runs_under_testcontainers(image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    # Its reaper is an image of a registry; containers are stopped here.
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", True)
    cluster = HdfsCluster.create(tmp_path / "hdfs", datanodes=2, replication=2, image=image)
    described = cluster.description
    write_namenode(tmp_path / "namenode", described, Path("/data"))
    for number, ports in enumerate(described.datanodes):
        write_datanode(tmp_path / f"datanode{number}", described, ports, Path("/data"))
    with ExitStack() as stack:
        for name in ("namenode", "datanode0", "datanode1"):
            container = (
                DockerContainer(image).with_command(name.rstrip("01")).with_env("HADOOP_USER_NAME", "root")
            )
            container.with_volume_mapping(tmp_path / name, "/conf", "ro")
            stack.enter_context(container.with_kwargs(network_mode="host"))
        wait(lambda: (state := ask_namenode(described.http)) is not None and len(state.live) == 2)
        wait(lambda: (state := ask_namenode(described.http)) is not None and not state.is_safe)
        with open_store(f"webhdfs://root@127.0.0.1:{described.http}/lake") as store:
            lake = Lake.create(store, SecretKey.generate())
            payload = noise(3_000_000)
            lake.put("noise", io.BytesIO(payload))
            assert lake.reader("noise").read() == payload
            assert check(lake, read_data=True).damage == []
