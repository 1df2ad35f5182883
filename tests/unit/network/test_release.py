"""A chaincode's release: its files, its processes' environment, and what a deployment refuses."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from gridledger.client.collection import Collection
from gridledger.client.policy import EndorsementPolicy
from gridledger.model.errors import ConfigError
from gridledger.network.blueprint import create_folder, describe
from gridledger.network.deployment import Deployment
from gridledger.network.description import ChaincodeRelease, NetworkDescription, Settings, World
from gridledger.network.release import ReleaseFiles

RELEASE = ChaincodeRelease(
    sequence=1,
    module="probe:Probe",
    python_path=["/somewhere"],
    policy=None,
    collections=[],
    tls=True,
    ports={"org1": 20010, "org2": 20011},
    package_ids={},
)


def test_release_gives_each_organisation_a_package_and_a_link_of_its_own(tmp_path: Path) -> None:
    files = ReleaseFiles("probe", RELEASE, tmp_path)
    created = files.create()
    assert list(created.package_ids) == ["org1", "org2"]
    assert len(set(created.package_ids.values())) == 2
    roots = [tmp_path / "chaincode" / "probe_1" / name / "tls" / "ca.crt" for name in ("org1", "org2")]
    one, two = (x509.load_pem_x509_certificate(root.read_bytes()) for root in roots)
    assert one.public_key() != two.public_key()


def test_release_keeps_secrets_to_their_owner(tmp_path: Path) -> None:
    files = ReleaseFiles("probe", RELEASE, tmp_path)
    files.create()
    secrets = [*files.path.rglob("*.key"), *files.path.rglob("package.tar.gz")]
    assert len(secrets) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    assert not [path for path in files.path.rglob("*") if "client" in path.name]


def test_process_is_told_package_address_and_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDLEDGER_TEST_SECRET", "value")
    monkeypatch.setenv("PYTHONPATH", "/before")
    files = ReleaseFiles("probe", RELEASE, tmp_path)
    release = files.create()
    first, second = files.components()
    assert (first.name, second.name) == ("probe_1.org1", "probe_1.org2")
    environment = first.environment
    assert environment["CHAINCODE_ID"] == release.package_ids["org1"]
    assert environment["CHAINCODE_SERVER_ADDRESS"] == "127.0.0.1:20010"
    assert environment["PYTHONPATH"] == "/somewhere:/before"
    assert "GRIDLEDGER_TEST_SECRET" not in environment
    for name in ("CHAINCODE_TLS_CERT", "CHAINCODE_TLS_KEY", "CHAINCODE_TLS_CLIENT_CA"):
        assert Path(environment[name]).is_file()
    assert list(first.arguments)[-2:] == ["gridledger.shim", "probe:Probe"]


def test_process_without_tls_is_told_no_tls(tmp_path: Path) -> None:
    files = ReleaseFiles("probe", replace(RELEASE, tls=False), tmp_path)
    files.create()
    assert not [name for name in files.components()[0].environment if name.startswith("CHAINCODE_TLS")]
    assert not [*files.path.rglob("*.key")]


def test_release_removed_leaves_nothing(tmp_path: Path) -> None:
    files = ReleaseFiles("probe", RELEASE, tmp_path)
    files.create()
    files.remove()
    assert not files.path.exists()


def _collection(policy: str) -> Collection:
    return Collection(name="secrets", policy=EndorsementPolicy(policy))


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    description = describe(World.DEVNET, organisations=2, binaries=None, settings=Settings())
    create_folder(description, tmp_path)
    return Deployment(tmp_path)


@pytest.mark.parametrize(
    "name", ["", "a b", "../probe", "probe.py", "-probe", "probe--x", "x" * 65, "prob\n"]
)
def test_name_out_of_the_rule_is_refused(deployment: Deployment, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="letters and digits"):
        deployment.run(name, "probe:Probe", policy=None, collections=[], python_path=[], tls=True)
    _nothing_written(tmp_path)


@pytest.mark.parametrize(
    "module", ["", "probe", "probe:", ":Probe", "probe:Probe --help", "../probe:Probe", "a:b\n"]
)
def test_module_out_of_the_form_is_refused(deployment: Deployment, tmp_path: Path, module: str) -> None:
    with pytest.raises(ConfigError, match="module:Class"):
        deployment.run("probe", module, policy=None, collections=[], python_path=[], tls=True)
    _nothing_written(tmp_path)


@pytest.mark.parametrize(
    "policy", ["", "AND(", "OR('Org1MSP')", "OR('Org1MSP.peer') x", "OutOf(3, 'Org1MSP.peer')"]
)
def test_policy_out_of_the_syntax_is_refused(deployment: Deployment, tmp_path: Path, policy: str) -> None:
    with pytest.raises(ConfigError, match="policy"):
        deployment.run("probe", "probe:Probe", policy=policy, collections=[], python_path=[], tls=True)
    _nothing_written(tmp_path)


def test_policies_that_name_strangers_are_refused(deployment: Deployment, tmp_path: Path) -> None:
    stranger = "OR('Org1MSP.peer', 'Org7MSP.peer')"
    with pytest.raises(ConfigError, match="Org7MSP; the channel has Org1MSP, Org2MSP"):
        deployment.run("probe", "probe:Probe", policy=stranger, collections=[], python_path=[], tls=True)
    with pytest.raises(ConfigError, match="collection secrets"):
        deployment.run(
            "probe",
            "probe:Probe",
            policy=None,
            collections=[_collection(stranger)],
            python_path=[],
            tls=True,
        )
    _nothing_written(tmp_path)


def _nothing_written(directory: Path) -> None:
    assert NetworkDescription.load(directory).chaincodes == []
    assert not (directory / "chaincode").exists()
    assert not (directory / "run").exists()
