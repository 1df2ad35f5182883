"""The network commands where no network runs: what they make, name and refuse."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from gridledger.cli.main import run
from gridledger.cli.output import Output
from gridledger.client import Connection
from gridledger.network import Network, World
from gridledger.network.authority import ATTRIBUTES_OID


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return Network.create(tmp_path / "net", world=World.DEVNET).directory


def _run(*arguments: str | Path) -> tuple[int, str, str]:
    stream, errors = io.StringIO(), io.StringIO()
    code = run([str(argument) for argument in arguments], Output(stream=stream, errors=errors))
    return code, stream.getvalue(), errors.getvalue()


def _value(*arguments: str | Path) -> Any:
    code, text, errors = _run(*arguments, "--json")
    assert (code, errors) == (0, "")
    return json.loads(text)


def _error(*arguments: str | Path) -> tuple[int, Any]:
    code, text, errors = _run(*arguments, "--json")
    assert text == ""
    return code, json.loads(errors)["error"]


def test_connection_has_these_keys_and_opens(directory: Path, tmp_path: Path) -> None:
    value = _value("network", "connection", "--org", "org1", "--user", "user1", "--dir", directory)
    assert list(value) == [
        "endpoint",
        "tls_root_cert",
        "tls_host_override",
        "msp_id",
        "certificate",
        "private_key",
        "channel",
        "chaincode",
    ]
    assert (value["msp_id"], value["channel"], value["chaincode"]) == ("Org1MSP", "energy", None)
    assert value["tls_host_override"] == "peer0.org1.gridledger.local"
    for key in ("tls_root_cert", "certificate", "private_key"):
        assert Path(value[key]).is_file()
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(value))
    assert Connection.from_file(file) == Network.open(directory).connection(org="org1", user="user1")


def test_connection_prints_no_key(directory: Path) -> None:
    connection = Network.open(directory).connection(org="org1", user="user1")
    assert isinstance(connection.private_key, Path)
    secret = connection.private_key.read_text().splitlines()[1]
    assert (
        secret not in _run("network", "connection", "--org", "org1", "--user", "user1", "--dir", directory)[1]
    )


@pytest.mark.parametrize(
    ("org", "user"), [("org9", "user1"), ("org1", "user9"), ("org1", "../user1"), ("", "")]
)
def test_connection_of_nobody_is_refused(directory: Path, org: str, user: str) -> None:
    code, error = _error("network", "connection", "--org", org, "--user", user, "--dir", directory)
    assert (code, error["code"]) == (86, "GL-NET-007")


def test_enrol_makes_a_user_with_attributes(directory: Path) -> None:
    value = _value(
        *("network", "enrol", "--dir", directory, "--org", "org2", "--user", "auditor"),
        *("--attribute", "gridledger.role=auditor", "--attribute", "note=a=b"),
    )
    certificate = x509.load_pem_x509_certificate(Path(value["certificate"]).read_bytes())
    extension = certificate.extensions.get_extension_for_oid(ATTRIBUTES_OID).value
    assert isinstance(extension, x509.UnrecognizedExtension)
    assert json.loads(extension.value) == {"attrs": {"gridledger.role": "auditor", "note": "a=b"}}
    assert value == _value("network", "connection", "--org", "org2", "--user", "auditor", "--dir", directory)


def test_enrol_of_one_who_is_there_is_refused(directory: Path) -> None:
    code, error = _error("network", "enrol", "--dir", directory, "--org", "org1", "--user", "user1")
    assert (code, error["code"]) == (89, "GL-NET-010")


@pytest.mark.parametrize("attribute", ["role", "=x", ""])
def test_enrol_with_a_malformed_attribute_is_refused(directory: Path, attribute: str) -> None:
    code, _ = _error(
        *("network", "enrol", "--dir", directory, "--org", "org1", "--user", "x", "--attribute", attribute)
    )
    assert code == 3
    assert "x" not in Network.open(directory).organisation("org1").users()


@pytest.mark.parametrize("command", ["status", "down", "logs"])
def test_folder_without_a_network_is_refused(tmp_path: Path, command: str) -> None:
    code, error = _error("network", command, "--dir", tmp_path)
    assert (code, error["code"]) == (3, "GL-CFG-001")


def test_network_of_another_world_is_refused(directory: Path) -> None:
    code, error = _error("network", "down", "--dir", directory, "--world", "fabric")
    assert (code, error["fields"]["key"]) == (3, "world")


def test_other_number_of_organisations_is_refused(directory: Path) -> None:
    code, error = _error("network", "up", "--dir", directory, "--orgs", "3")
    assert (code, error["fields"]["key"]) == (3, "orgs")


def test_fabric_without_binaries_names_the_way_to_get_them(tmp_path: Path) -> None:
    code, error = _error("network", "up", "--world", "fabric", "--dir", tmp_path / "net", "--bin", tmp_path)
    assert (code, error["code"]) == (81, "GL-NET-002")
    assert "hyperledger-fabric" in error["fields"]["remedy"]
    assert not (tmp_path / "net" / "network.json").exists()


def test_deploy_to_a_network_that_does_not_run_is_refused(directory: Path) -> None:
    code, error = _error("network", "deploy", "probe", "probe:Probe", "--dir", directory)
    assert (code, error["code"]) == (87, "GL-NET-008")


def test_folder_is_one_per_world_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Network.create(Path(".gridledger/devnet"), world=World.DEVNET)
    assert _value("network", "connection", "--org", "org1", "--user", "user1")["msp_id"] == "Org1MSP"
    assert _error("network", "connection", "--org", "org1", "--user", "user1", "--world", "fabric")[0] == 3
    monkeypatch.setenv("GRIDLEDGER_WORLD", "fabric")
    assert _error("network", "connection", "--org", "org1", "--user", "user1")[0] == 3


def test_down_where_nothing_runs_changes_nothing(directory: Path) -> None:
    assert _value("network", "down", "--dir", directory) == {"directory": str(directory), "removed": False}
    assert (directory / "network.json").is_file()
    assert _value("network", "down", "--wipe", "--dir", directory)["removed"] is True
    assert not directory.exists()
