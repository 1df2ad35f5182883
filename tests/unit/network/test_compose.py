"""The generated compose files: valid by the specification, and at one with material and configuration."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.prerequisites import missing

from gridledger.host.errors import PrerequisiteMissing
from gridledger.lake.hdfs import HdfsCluster
from gridledger.lake.hdfs.container_cluster import ContainerCluster
from gridledger.model.errors import ConfigError
from gridledger.network import ContainerImages, Network, World
from gridledger.network.authority import Credential
from gridledger.network.blueprint import create_folder, default_settings, describe
from gridledger.network.containers import process
from gridledger.network.containers.compose_file import ComposeFile
from gridledger.network.containers.whole_system import whole_system
from gridledger.network.description import ChaincodeDescription, ChaincodeRelease
from gridledger.network.inventory import Inventory
from gridledger.network.release import ReleaseFiles

IMAGES = ContainerImages()


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Return a network of containers with a chaincode, as its folder has it; nothing runs."""
    folder = tmp_path_factory.mktemp("containers")
    # Configuration needs no binary but configtxgen, which only makes the first block: there is one.
    tools = folder / "bin"
    tools.mkdir()
    (tools / "configtxgen").write_text("#!/bin/sh\n")
    (tools / "configtxgen").chmod(0o755)
    description = describe(
        World.FABRIC,
        organisations=2,
        binaries=tools,
        settings=default_settings(World.FABRIC),
        waiting_orderers=1,
        containers=IMAGES,
    )
    directory = folder / "net"
    create_folder(description, directory)
    (directory / "channel").mkdir()
    (directory / "channel" / "energy.block").write_bytes(b"a block")
    release = ChaincodeRelease(
        sequence=1,
        module="gridledger.chaincode:GridLedger",
        python_path=["/srv/contracts"],
        policy=None,
        collections=[],
        tls=True,
        ports={"org1": 20001, "org2": 20002},
        package_ids={},
        image=IMAGES.chaincode,
    )
    release = ReleaseFiles("energy", release, directory).create()
    replace(description, chaincodes=[ChaincodeDescription(name="energy", current=release)]).save(directory)
    return Network.open(directory)


@pytest.fixture(scope="module")
def content(network: Network) -> dict[str, Any]:
    return whole_system(network)


def read_by_compose(content: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    """Have Docker's Compose check a file by its schema and name the services."""
    program = shutil.which("docker-compose")
    if program is None:
        missing("docker-compose", "install Docker's Compose (Debian: docker-compose)")
    file = folder / "compose.yaml"
    file.write_text(yaml.safe_dump(content))
    return subprocess.run(
        [program, "-f", str(file), "config", "--services"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={"PATH": os.environ["PATH"]},
    )


def with_lake(network: Network, folder: Path) -> dict[str, Any]:
    """Return the whole system's file."""
    cluster = HdfsCluster.create(folder / "hdfs", datanodes=2, replication=2, image="gridledger/hdfs:3.5.0")
    assert isinstance(cluster, ContainerCluster)
    return whole_system(network, cluster.compose_content())


def test_whole_system_has_the_lake_and_bounds_every_service(
    network: Network, content: dict[str, Any], tmp_path: Path
) -> None:
    whole = with_lake(network, tmp_path)
    lake = {"lake-namenode", "lake-datanode1", "lake-datanode2"}
    assert whole["services"].keys() == content["services"].keys() | lake
    for name, service in whole["services"].items():
        assert {"healthcheck", "mem_limit", "cpus", "pids_limit", "volumes"} <= service.keys(), name
        assert service["restart"] == "unless-stopped"
    # The lake's own volumes, wherever the file stands and whatever Compose calls its project.
    cluster = HdfsCluster.open(tmp_path / "hdfs")
    assert isinstance(cluster, ContainerCluster)
    assert whole["volumes"] == {
        name: {"name": f"{cluster.project}_{name}", "external": True}
        for name in ("namenode", "datanode1", "datanode2")
    }


def test_compose_itself_reads_the_file_alone_and_with_the_lake(
    network: Network, content: dict[str, Any], tmp_path: Path
) -> None:
    for each in (content, with_lake(network, tmp_path)):
        said = read_by_compose(each, tmp_path)
        assert said.returncode == 0, said.stderr
        assert set(said.stdout.split()) == set(each["services"])
    said = read_by_compose({"services": {"peer0.org1": {"imgae": "x"}}}, tmp_path)
    assert said.returncode != 0
    assert "imgae" in said.stderr


def test_topology_is_that_of_the_native_world(network: Network, content: dict[str, Any]) -> None:
    orderers = {f"orderer{number}" for number in range(1, 6)}
    organisations = {"org1", "org2"}
    assert content["services"].keys() == orderers | {
        f"{kind}.{name}" for kind in ("peer0", "ca", "energy_1") for name in organisations
    }
    images = {name: service["image"] for name, service in content["services"].items()}
    assert {images[name] for name in orderers} == {IMAGES.orderer}
    assert {images[f"peer0.{name}"] for name in organisations} == {IMAGES.peer}
    assert {images[f"energy_1.{name}"] for name in organisations} == {IMAGES.chaincode}
    assert {images[f"ca.{name}"] for name in organisations} == {IMAGES.authority}


def test_what_configuration_names_is_mounted_and_nothing_of_others(
    network: Network, content: dict[str, Any]
) -> None:
    for name, service in content["services"].items():
        mounts = {Path(one["source"]): one["read_only"] for one in service["volumes"]}
        assert all(one["source"] == one["target"] for one in service["volumes"])
        named = [Path(value) for value in service["environment"].values() if value.startswith("/")]
        configuration = network.directory / "config" / name
        for file in sorted(configuration.glob("*.yaml")):
            named += [
                Path(value) for value in _texts(yaml.safe_load(file.read_text())) if value.startswith("/")
            ]
        assert named
        for path in named:
            assert path.is_relative_to("/opt/hyperledger/ccaas_builder") or any(
                path.is_relative_to(mount) for mount in mounts
            ), (name, path)
        # Who reads a folder of keys is its owner; the one thing that is written is what it keeps.
        writable = [path for path, read_only in mounts.items() if not read_only]
        wanted = [] if name.startswith("energy") else [network.directory / "data" / name]
        assert writable == wanted
        organisation = name.rpartition(".")[2]
        material = [path for path in mounts if path.is_relative_to(network.directory / "organizations")]
        assert all(f"{organisation}.gridledger.local" in str(path) or name == "orderer5" for path in material)


def test_ports_of_health_checks_are_those_that_configuration_opens(
    network: Network, content: dict[str, Any]
) -> None:
    description = network.description
    ports = {f"peer0.{one.name}": one.port for one in description.organisations}
    ports |= {f"ca.{one.name}": one.authority_port for one in description.organisations}
    ports |= {one.name: one.port for one in description.orderers}
    ports |= {"energy_1.org1": 20001, "energy_1.org2": 20002}
    for name, service in content["services"].items():
        assert service["healthcheck"]["test"][-1].endswith(f"/127.0.0.1/{ports[name]}")
        assert service["network_mode"] == "host"
    core = yaml.safe_load((network.directory / "config" / "peer0.org1" / "core.yaml").read_text())
    assert core["peer"]["listenAddress"] == f"127.0.0.1:{ports['peer0.org1']}"
    assert core["chaincode"]["externalBuilders"][0]["path"] == "/opt/hyperledger/ccaas_builder"
    environment = content["services"]["energy_1.org1"]["environment"]
    assert environment["CHAINCODE_SERVER_ADDRESS"] == "127.0.0.1:20001"
    [release] = description.chaincodes
    assert release.current is not None
    assert environment["CHAINCODE_ID"] == release.current.package_ids["org1"]


def test_authority_serves_by_its_own_certificate_and_no_password_stands_in_the_file(
    network: Network, content: dict[str, Any]
) -> None:
    environment = content["services"]["ca.org1"]["environment"]
    served = Credential.load(
        Path(environment["FABRIC_CA_SERVER_TLS_CERTFILE"]), Path(environment["FABRIC_CA_SERVER_TLS_KEYFILE"])
    )
    issuer = network.organisation("org1").tls_authority().credential.certificate
    served.certificate.verify_directly_issued_by(issuer)
    Credential.load(
        Path(environment["FABRIC_CA_SERVER_CA_CERTFILE"]), Path(environment["FABRIC_CA_SERVER_CA_KEYFILE"])
    )
    registrar = Path(environment["REGISTRAR"])
    assert registrar.stat().st_mode & 0o077 == 0
    assert registrar.read_text() not in json.dumps(content)
    assert "$$(cat" in content["services"]["ca.org1"]["command"][-1]


def test_services_are_put_and_dropped_one_by_one(network: Network, tmp_path: Path) -> None:
    components = Inventory(network.directory).components()
    file = ComposeFile(directory=tmp_path)
    assert file.services() == {}
    file.put([components[0].service(), components[1].service()])
    before = file.path.stat().st_ino
    file.put([components[0].service()])
    assert file.path.stat().st_ino == before
    file.drop([components[0].name, "nobody"])
    assert list(file.services()) == [components[1].name]
    assert yaml.safe_load(file.path.read_text())["services"].keys() == {components[1].name}


def test_missing_docker_is_named_and_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrerequisiteMissing, match="docker"):
        Network.create(tmp_path / "net", world=World.FABRIC, containers=IMAGES)
    assert not (tmp_path / "net").exists()
    process.remove_containers(tmp_path)


def test_containers_of_another_world_are_refused() -> None:
    with pytest.raises(ConfigError, match="runs in no containers"):
        describe(
            World.DEVNET,
            organisations=1,
            binaries=None,
            settings=default_settings(World.DEVNET),
            containers=IMAGES,
        )
    with pytest.raises(ValueError, match="pattern"):
        ContainerImages(peer="Not an image")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
