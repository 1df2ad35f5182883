"""Containers where there is no Docker: what is said, and what Compose would be told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gridledger.host.errors import PrerequisiteMissing
from gridledger.lake.hdfs import ContainerCluster, HdfsCluster
from gridledger.lake.hdfs import container_cluster as containers


def test_without_docker_the_remedy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    cluster = HdfsCluster.create(tmp_path / "hdfs", image="image")
    with pytest.raises(PrerequisiteMissing, match="install Docker"):
        cluster.up()


@pytest.mark.parametrize(
    ("script", "said"),
    [("exit 1", "start its engine"), ('[ "$1" = version ]', "compose plugin")],
    ids=["engine", "compose"],
)
def test_without_engine_or_compose_the_remedy_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    cluster = HdfsCluster.create(tmp_path / "hdfs", image="image")
    with pytest.raises(PrerequisiteMissing, match=said):
        cluster.up()


def test_cluster_of_containers_is_opened_as_one_and_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    HdfsCluster.create(tmp_path, datanodes=2, replication=2, image="image")
    cluster = HdfsCluster.open(tmp_path)
    assert isinstance(cluster, ContainerCluster)
    asked: list[tuple[str, ...]] = []

    def docker(arguments: list[str], **_: object) -> str:
        asked.append(tuple(arguments))
        return "0123456789ab\n"

    monkeypatch.setattr(containers, "docker", docker)
    monkeypatch.setattr(containers, "find_compose", lambda: ["docker", "compose"])
    cluster._prepare()
    described = yaml.safe_load((tmp_path / "compose.yaml").read_text())
    assert list(described["services"]) == ["namenode", "datanode1", "datanode2"]
    for service in described["services"].values():
        assert (service["network_mode"], service["cap_drop"]) == ("host", ["ALL"])
    assert asked == [("images", "-q", "image")]
    for name in described["services"]:
        assert "127.0.0.1" in (tmp_path / "conf" / name / "hdfs-site.xml").read_text()
