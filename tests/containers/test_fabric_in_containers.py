"""Fabric in containers: by `network up --containers`, and the whole system's file by testcontainers."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from testcontainers.compose import DockerCompose
from tests.prerequisites import missing
from tests.unit.lake.payloads import meter_csv

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.client import Gateway
from gridledger.client.errors import EndorseError
from gridledger.host.docker import docker, find_compose
from gridledger.host.errors import ComponentStopped, PrerequisiteMissing
from gridledger.lake.hdfs import HdfsCluster
from gridledger.network import ContainerImages, Network
from gridledger.network.fabric.binaries import ImageBinaries

pytestmark = [pytest.mark.xdist_group("fabric-containers"), pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
COUNTER = "tests.integration.network.counter:Counter"
SECONDS = 600.0


class Compose(DockerCompose):
    """Compose of either generation, as our commands find it."""

    @cached_property
    def compose_command_property(self) -> list[str]:
        return [*find_compose(), "-p", "gridledger-test", "-f", str(Path(self.context) / "whole.yaml")]


def call(*arguments: object) -> Any:
    stream, errors = io.StringIO(), io.StringIO()
    code = run([*map(str, arguments), "--json"], Output(stream=stream, errors=errors))
    assert code == 0, errors.getvalue()
    return json.loads(stream.getvalue())


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def images() -> ContainerImages:
    """Return the official images, and ours, where the engine has them all."""
    wanted = ContainerImages()
    try:
        find_compose()
        ImageBinaries.find()
        names = [getattr(wanted, one.name) for one in fields(wanted)]
        absent = [name for name in names if not docker(["images", "-q", name], name=name, log=ROOT).strip()]
    except (PrerequisiteMissing, ComponentStopped) as error:
        missing("containers", str(error))
    if absent:
        missing("containers", f"pull or build {', '.join(absent)} (network/compose/README.md)")
    return wanted


@pytest.fixture
def folder(images: ContainerImages, tmp_path: Path) -> Iterator[Path]:
    """Start a network of containers by the command; remove it with its containers."""
    directory = tmp_path / "net"
    try:
        status = call("network", "up", "--world", "fabric", "--containers", "--dir", directory)
        assert status["running"] is True
        yield directory
    finally:
        if (directory / "network.json").exists():
            Network.open(directory).remove()


@pytest.fixture
def hdfs(image: str, tmp_path: Path) -> Iterator[Path]:
    """Start an HDFS of containers by the command; remove it with its volumes."""
    directory = tmp_path / "hdfs"
    try:
        started = call("lake", "up", "--containers", "--image", image, "--dir", directory)
        assert started["healthy"] is True
        yield directory
    finally:
        if directory.exists():
            HdfsCluster.open(directory).remove()


async def count(network: Network, organisation: str) -> bytes:
    connection = network.connection(org=organisation, user="user1", chaincode="counted")
    async with Gateway.connect(connection) as gateway:
        return await gateway.network().contract().submit("Count")


def test_network_of_containers_deploys_answers_and_outlives_its_commands(
    folder: Path, hdfs: Path, tmp_path: Path
) -> None:
    config = ("--config", tmp_path / "lake.toml")
    policy = ("--policy", "AND('Org1MSP.peer','Org2MSP.peer')")
    call("network", "deploy", "counted", COUNTER, *policy, "--path", ROOT, "--dir", folder)
    network = Network.open(folder)
    assert asyncio.run(count(network, "org1")) == b"1"
    network.kill("peer0.org2")
    network.restart("peer0.org2")
    wait(lambda: network.status().agreed)
    assert asyncio.run(count(network, "org2")) == b"2"
    call("network", "down", "--dir", folder)
    assert call("network", "status", "--dir", folder)["running"] is False

    # The same system from one file, without our commands, and with what the lake's HDFS kept.
    source, got, again = (tmp_path / name for name in ("meters.csv", "got.csv", "again.csv"))
    source.write_bytes(meter_csv(20_000))
    call("lake", "init", "--dir", hdfs, *config)
    call("lake", "put", source, *config)
    call("lake", "down", "--dir", hdfs)
    written = call("network", "compose", tmp_path / "whole.yaml", "--lake", hdfs, "--dir", folder)
    assert {"lake-namenode", "lake-datanode1", "peer0.org1", "counted_1.org2"} <= {*written["services"]}
    with Compose(context=tmp_path, wait=False):
        wait(lambda: _answers(network))
        assert asyncio.run(count(network, "org1")) in (b"3", b"4")
        wait(lambda: HdfsCluster.open(hdfs).status().is_healthy)
        call("lake", "get", "meters.csv", got, *config)

    assert call("network", "up", "--dir", folder)["running"] is True
    assert asyncio.run(count(network, "org2")) in (b"4", b"5")
    assert call("lake", "up", "--dir", hdfs)["healthy"] is True
    call("lake", "get", "meters.csv", again, *config)
    assert got.read_bytes() == again.read_bytes() == source.read_bytes()


def _answers(network: Network) -> bool:
    try:
        return int(asyncio.run(_read(network))) >= 2
    except EndorseError:
        return False


async def _read(network: Network) -> bytes:
    connection = network.connection(org="org1", user="user1", chaincode="counted")
    async with Gateway.connect(connection) as gateway:
        return (await gateway.network().contract().proposal("Read").endorse()).result
