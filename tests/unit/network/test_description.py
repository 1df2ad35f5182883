"""network.json: what was saved comes back; what is torn or out of its rules is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridledger.model.errors import ConfigError
from gridledger.network.description import (
    FILE_NAME,
    ChaincodeDescription,
    ChaincodeRelease,
    NetworkDescription,
    OrdererDescription,
    OrganisationDescription,
    World,
)
from gridledger.network.errors import UnknownComponent

RELEASE = ChaincodeRelease(
    sequence=2,
    module="probe:Probe",
    python_path=["/somewhere"],
    policy="AND('Org1MSP.member', 'Org2MSP.member')",
    collections=["secrets"],
    tls=True,
    ports={"org1": 20010, "org2": 20011},
    package_ids={"org1": "probe_2:aa", "org2": "probe_2:bb"},
)
DESCRIPTION = NetworkDescription(
    world=World.FABRIC,
    channel="energy",
    organisations=[
        OrganisationDescription(name="org1", port=20000, chaincode_port=20001, operations_port=20002),
        OrganisationDescription(name="org2", port=20003, chaincode_port=20004, operations_port=20005),
    ],
    orderers=[OrdererDescription(name="orderer1", port=20006, admin_port=20007, operations_port=20008)],
    binaries="/opt/fabric/bin",
    chaincodes=[ChaincodeDescription(name="probe", current=RELEASE)],
)


def _saved(directory: Path) -> dict[str, Any]:
    DESCRIPTION.save(directory)
    value: dict[str, Any] = json.loads((directory / FILE_NAME).read_text())
    return value


def _refused(directory: Path, content: bytes) -> ConfigError:
    (directory / FILE_NAME).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        NetworkDescription.load(directory)
    return caught.value


def test_description_saved_comes_back(tmp_path: Path) -> None:
    DESCRIPTION.save(tmp_path)
    assert NetworkDescription.load(tmp_path) == DESCRIPTION
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_folder_without_a_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no network here"):
        NetworkDescription.load(tmp_path)


def test_description_truncated_anywhere_is_refused(tmp_path: Path) -> None:
    DESCRIPTION.save(tmp_path)
    data = (tmp_path / FILE_NAME).read_bytes()
    for end in range(0, len(data) - 2, 7):
        _refused(tmp_path, data[:end])


@pytest.mark.parametrize("schema", ["gridledger-network/2", "", None, 1, ["gridledger-network/1"]])
def test_description_of_another_version_is_refused(tmp_path: Path, schema: object) -> None:
    value = _saved(tmp_path) | {"schema": schema}
    assert _refused(tmp_path, json.dumps(value).encode()).fields["key"] == "schema"


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("world", "moon"),
        ("world", 1),
        ("channel", "../energy"),
        ("channel", "Energy"),
        ("channel", "energy\n"),
        ("organisations", []),
        ("organisations", [{"name": "../org1", "port": 1}]),
        ("organisations", [{"name": "org1", "port": 0}]),
        ("organisations", [{"name": "org1", "port": 65536}]),
        ("organisations", [{"name": "org1", "port": "20000"}]),
        ("organisations", [{"name": "org1", "port": 20000, "colour": "red"}]),
        ("organisations", "org1"),
        ("orderers", []),
        ("settings", {"block_interval_ms": 0}),
        ("settings", {"block_interval_ms": 1.5}),
        ("settings", {"forward_timeout_ms": 5000}),
        ("chaincodes", [{"name": "../x"}]),
        ("chaincodes", [{"name": "probe", "current": {"sequence": 0}}]),
        ("binaries", 7),
        ("extra", 1),
    ],
)
def test_description_out_of_its_rules_is_refused(tmp_path: Path, key: str, wrong: object) -> None:
    error = _refused(tmp_path, json.dumps(_saved(tmp_path) | {key: wrong}).encode())
    assert key in error.message


def test_description_with_several_faults_tells_all(tmp_path: Path) -> None:
    value = _saved(tmp_path) | {"world": "moon", "channel": "Energy"}
    error = _refused(tmp_path, json.dumps(value).encode())
    assert "world" in error.message
    assert "channel" in error.message


@pytest.mark.parametrize("key", ["world", "channel", "organisations", "orderers"])
def test_description_without_a_needed_key_is_refused(tmp_path: Path, key: str) -> None:
    value = _saved(tmp_path)
    del value[key]
    assert key in _refused(tmp_path, json.dumps(value).encode()).message


@given(
    content=st.binary()
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_anything_else_is_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    _refused(tmp_path_factory.mktemp("network"), content)


def test_nesting_without_end_is_refused(tmp_path: Path) -> None:
    _refused(tmp_path, b"[" * 100_000)


def test_chaincode_set_takes_its_namesakes_place() -> None:
    changed = DESCRIPTION.with_chaincode(ChaincodeDescription(name="probe")).with_chaincode(
        ChaincodeDescription(name="basic")
    )
    assert [chaincode.name for chaincode in changed.chaincodes] == ["basic", "probe"]
    assert changed.chaincode("probe").current is None
    assert DESCRIPTION.chaincode("probe").current == RELEASE


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownComponent, match="org1, org2"):
        DESCRIPTION.organisation("org3")
    with pytest.raises(UnknownComponent, match="probe"):
        DESCRIPTION.chaincode("basic")
