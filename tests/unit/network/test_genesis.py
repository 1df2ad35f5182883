"""The channel's profile, the nodes' configuration, and what is said when binaries are missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.prerequisites import missing

from gridledger.host.errors import PrerequisiteMissing
from gridledger.model.errors import ConfigError, ModelError
from gridledger.network.blueprint import create_folder, describe
from gridledger.network.description import NetworkDescription, Settings, World
from gridledger.network.errors import ToolFailed
from gridledger.network.fabric.binaries import Binaries
from gridledger.network.fabric.genesis import channel_profile, make_genesis_block
from gridledger.network.fabric.world import FabricWorld

PROGRAMS = ["bin/orderer", "bin/peer", "bin/configtxgen"]
BUILDER = [f"builders/ccaas/bin/{step}" for step in ("detect", "build", "release")]


@pytest.fixture
def binaries(tmp_path: Path) -> Binaries:
    """Return a folder that looks like an unpacked release; its programs fail."""
    for name in [*PROGRAMS, *BUILDER]:
        path = tmp_path / "release" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\necho 'this is no program' >&2\nexit 3\n")
        path.chmod(0o755)
    return Binaries(directory=tmp_path / "release" / "bin")


@pytest.fixture
def description(binaries: Binaries) -> NetworkDescription:
    return describe(
        World.FABRIC,
        organisations=3,
        binaries=binaries.directory,
        settings=Settings(block_interval_ms=50, block_max_messages=7),
    )


@pytest.fixture
def directory(tmp_path: Path, description: NetworkDescription) -> Path:
    create_folder(description, tmp_path / "net")
    return tmp_path / "net"


def _profile(description: NetworkDescription, directory: Path) -> dict[str, Any]:
    [profile] = channel_profile(description, directory)["Profiles"].values()
    return dict(profile)


def test_profile_orders_with_four_smartbft_consenters(
    description: NetworkDescription, directory: Path
) -> None:
    orderer = _profile(description, directory)["Orderer"]
    assert orderer["OrdererType"] == "BFT"
    assert [consenter["ID"] for consenter in orderer["ConsenterMapping"]] == [1, 2, 3, 4]
    assert len({consenter["Port"] for consenter in orderer["ConsenterMapping"]}) == 4
    assert len({consenter["MSPID"] for consenter in orderer["ConsenterMapping"]}) == 4
    for consenter in orderer["ConsenterMapping"]:
        assert Path(consenter["Identity"]).read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
        assert Path(consenter["ServerTLSCert"]).is_file()


def test_profile_takes_the_settings(description: NetworkDescription, directory: Path) -> None:
    orderer = _profile(description, directory)["Orderer"]
    assert orderer["SmartBFT"]["RequestBatchMaxInterval"] == "50ms"
    assert orderer["SmartBFT"]["RequestForwardTimeout"] == "1500ms"
    assert orderer["SmartBFT"]["RequestComplainTimeout"] == "1700ms"
    assert orderer["BatchSize"]["MaxMessageCount"] == 7


def test_profile_gives_each_organisation_an_anchor_peer_and_its_policies(
    description: NetworkDescription, directory: Path
) -> None:
    organisations = _profile(description, directory)["Application"]["Organizations"]
    assert [organisation["ID"] for organisation in organisations] == ["Org1MSP", "Org2MSP", "Org3MSP"]
    for organisation, described in zip(organisations, description.organisations, strict=True):
        assert organisation["AnchorPeers"] == [{"Host": "127.0.0.1", "Port": described.port}]
        assert organisation["Policies"]["Endorsement"]["Rule"] == f"OR('{organisation['ID']}.peer')"
        assert organisation["Policies"]["Admins"]["Rule"] == f"OR('{organisation['ID']}.admin')"


def test_every_listener_has_a_port_of_its_own(description: NetworkDescription) -> None:
    ports = [
        port
        for node in [*description.organisations, *description.orderers]
        for name, port in vars(node).items()
        if name.endswith("port") and port is not None
    ]
    assert len(ports) == 3 * 3 + 4 * 3
    assert len(set(ports)) == len(ports)


def test_peer_is_configured_for_tls_and_chaincode_as_a_service_without_docker(
    description: NetworkDescription, directory: Path, binaries: Binaries
) -> None:
    _write_configuration(description, directory)
    core = yaml.safe_load((directory / "config" / "peer0.org2" / "core.yaml").read_text())
    assert core["vm"]["endpoint"] == ""
    assert core["chaincode"]["externalBuilders"] == [
        {"name": "ccaas_builder", "path": str(binaries.ccaas_builder)}
    ]
    assert core["peer"]["tls"]["enabled"] is True
    assert core["operations"]["tls"]["clientAuthRequired"] is True
    assert core["peer"]["localMspId"] == "Org2MSP"
    assert Path(core["peer"]["tls"]["key"]["file"]).is_file()
    assert core["peer"]["listenAddress"] == f"127.0.0.1:{description.organisation('org2').port}"


def test_orderer_is_configured_for_tls_and_mutual_tls_of_administrators(
    description: NetworkDescription, directory: Path
) -> None:
    _write_configuration(description, directory)
    general = yaml.safe_load((directory / "config" / "orderer4" / "orderer.yaml").read_text())
    assert general["General"]["TLS"]["Enabled"] is True
    assert general["General"]["LocalMSPID"] == "Orderer4MSP"
    for listener in ("Admin", "Operations"):
        assert general[listener]["TLS"]["ClientAuthRequired"] is True
        assert general[listener]["ListenAddress"].startswith("127.0.0.1:")


def _write_configuration(description: NetworkDescription, directory: Path) -> None:
    block = directory / "channel" / f"{description.channel}.block"
    block.parent.mkdir()
    block.write_bytes(b"made before")
    FabricWorld(description, directory).prepare()
    assert block.read_bytes() == b"made before"


def test_tool_that_fails_is_told_with_its_words_and_leaves_no_block(
    description: NetworkDescription, directory: Path, binaries: Binaries
) -> None:
    with pytest.raises(ToolFailed, match="this is no program"):
        make_genesis_block(description, directory, binaries)
    assert not (directory / "channel" / "energy.block").exists()


def test_binaries_that_are_there_are_found_by_argument_and_variable(
    binaries: Binaries, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert Binaries.find(binaries.directory) == binaries
    monkeypatch.setenv("GRIDLEDGER_FABRIC_BIN", str(binaries.directory))
    assert Binaries.find() == binaries
    with pytest.raises(PrerequisiteMissing):
        Binaries.find(tmp_path / "elsewhere")


@pytest.mark.parametrize("name", [*PROGRAMS, *BUILDER])
@pytest.mark.parametrize("fault", ["missing", "folder", "not executable"])
def test_binary_that_cannot_be_run_is_named_with_the_way_to_get_it(
    binaries: Binaries, name: str, fault: str
) -> None:
    path = binaries.directory.parent / name
    if fault == "not executable":
        path.chmod(0o644)
    else:
        path.unlink()
    if fault == "folder":
        path.mkdir()
    if fault == "not executable" and os.access(path, os.X_OK):
        missing("user", "one who may not run every file")
    with pytest.raises(PrerequisiteMissing) as caught:
        Binaries.find(binaries.directory)
    assert path.name in str(caught.value.fields["tool"])
    assert "hyperledger-fabric" in str(caught.value.fields["remedy"])


@pytest.mark.parametrize("organisations", [0, -1, 21])
def test_number_of_organisations_out_of_its_range_is_refused(organisations: int) -> None:
    with pytest.raises(ConfigError):
        describe(World.DEVNET, organisations=organisations, binaries=None, settings=Settings())


def test_settings_out_of_their_ranges_are_refused_all_at_once() -> None:
    with pytest.raises(ModelError) as caught:
        Settings(block_interval_ms=0, block_max_messages=-1)
    assert set(caught.value.problems) == {"block_interval_ms", "block_max_messages"}
    with pytest.raises(ModelError, match="complain_timeout_ms"):
        Settings(forward_timeout_ms=4000, complain_timeout_ms=3000)


def test_folder_that_holds_a_network_is_refused(description: NetworkDescription, directory: Path) -> None:
    before = (directory / "network.json").read_bytes()
    with pytest.raises(ConfigError, match="already"):
        create_folder(description, directory)
    assert (directory / "network.json").read_bytes() == before


def test_devnet_has_one_orderer_and_one_port_an_organisation(tmp_path: Path) -> None:
    description = describe(World.DEVNET, organisations=2, binaries=None, settings=Settings())
    assert [orderer.name for orderer in description.orderers] == ["orderer1"]
    assert all(organisation.operations_port is None for organisation in description.organisations)
    create_folder(description, tmp_path)
    for material in description.peer_material(tmp_path):
        assert material.users() == ["admin", "user1"]
        assert material.node("peer0").tls_key.is_file()
