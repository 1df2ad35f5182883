"""Connection profiles of other SDKs."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.fakes import CERTIFICATE, KEY_PEM
from tests.unit.client.test_connection import JSON

from gridledger.client import Connection, ConnectionProfile, Credentials, Pem
from gridledger.model.errors import ConfigError

CREDENTIALS = Credentials(msp_id="Org1MSP", certificate=CERTIFICATE, private_key=Pem(KEY_PEM))


def test_hfc_profile_gives_a_users_connection(profiles: Path) -> None:
    profile = ConnectionProfile.from_file(profiles / "hfc-network.json")
    assert profile.organizations == ["org1.gridledger.local", "org2.gridledger.local"]
    assert profile.users("org1.gridledger.local") == ["Admin", "User1"]
    connection = profile.connection(user="User1", channel="energy")
    assert connection == Connection(
        endpoint="localhost:7051",
        msp_id="Org1MSP",
        certificate=profiles / "org1/user1/cert.pem",
        private_key=profiles / "org1/user1/key.pem",
        tls_root_cert=profiles / "org1/tlsca.pem",
        tls_host_override="peer0.org1.gridledger.local",
        channel="energy",
    )


def test_hfc_url_without_scheme_uses_tls_when_there_are_roots(profiles: Path) -> None:
    profile = ConnectionProfile.from_file(profiles / "hfc-network.json", folder=Path("/srv"))
    connection = profile.connection("org1.gridledger.local", user="Admin", peer="peer1.org1.gridledger.local")
    assert connection.endpoint == "localhost:8051"
    assert connection.tls_root_cert == Path("/srv/org1/tlsca.pem")
    assert connection.tls_host_override == "peer1.org1.gridledger.local"


def test_hfc_profile_without_tls_gives_a_plain_connection(profiles: Path) -> None:
    profile = ConnectionProfile.from_file(profiles / "hfc-network.json")
    assert not profile.connection("org2.gridledger.local", user="Admin").uses_tls


def test_yaml_profile_with_wallet_identity(profiles: Path) -> None:
    profile = ConnectionProfile.from_file(profiles / "fabric-connection.yaml")
    connection = profile.connection(credentials=CREDENTIALS, chaincode="gridledger")
    assert connection.endpoint == "localhost:7051"
    assert (connection.read("tls_root_cert") or b"").startswith(b"-----BEGIN CERTIFICATE-----")
    assert connection.read("certificate") == CERTIFICATE
    assert connection.read("private_key") == KEY_PEM


def test_json_profile_says_the_same_as_yaml(profiles: Path, tmp_path: Path) -> None:
    source = profiles / "fabric-connection.yaml"
    copy = tmp_path / "connection.json"
    copy.write_text(json.dumps(yaml.safe_load(source.read_text())))
    read = [ConnectionProfile.from_file(path).connection(credentials=CREDENTIALS) for path in (source, copy)]
    assert read[0] == read[1]


def test_identity_of_another_organisation_is_refused(profiles: Path) -> None:
    foreign = Credentials(msp_id="Org2MSP", certificate=CERTIFICATE, private_key=Pem(KEY_PEM))
    with pytest.raises(ConfigError) as caught:
        ConnectionProfile.from_file(profiles / "fabric-connection.yaml").connection(credentials=foreign)
    assert caught.value.fields["key"] == "organizations.Org1.mspid"


def test_neither_or_both_of_user_and_credentials_are_refused(profiles: Path) -> None:
    profile = ConnectionProfile.from_file(profiles / "hfc-network.json")
    with pytest.raises(ConfigError):
        profile.connection()
    with pytest.raises(ConfigError):
        profile.connection(user="Admin", credentials=CREDENTIALS)


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        (("organizations",), None, "organizations"),
        (("peers",), [], "peers"),
        (("client", "organization"), 5, "client.organization"),
        (("client", "organization"), "Org9", "organizations.Org9"),
        (("organizations", "Org1", "mspid"), None, "organizations.Org1.mspid"),
        (("organizations", "Org1", "peers"), [], "organizations.Org1.peers"),
        (("organizations", "Org1", "peers"), "peer0", "organizations.Org1.peers"),
        (("organizations", "Org1", "peers"), [{}], "organizations.Org1.peers.0"),
        (("organizations", "Org1", "peers"), ["other"], "peers.other"),
        (("peers", "p", "url"), 7051, "peers.p.url"),
        (("peers", "p", "url"), "https://localhost:7051", "peers.p.url"),
        (("peers", "p", "url"), "grpc://localhost:7051", "peers.p.url"),
        (("peers", "p", "url"), "grpcs://[localhost:7051", "peers.p.url"),
        (("peers", "p", "url"), "grpcs://user:secret@localhost:7051", "peers.p.url"),
        (("peers", "p", "url"), "grpcs://localhost", "endpoint"),
        (("peers", "p", "tlsCACerts"), "x", "peers.p.tlsCACerts"),
        (("peers", "p", "tlsCACerts"), {}, "peers.p.tlsCACerts.path"),
        (("peers", "p", "tlsCACerts"), {"pem": [5]}, "peers.p.tlsCACerts.pem"),
        (("peers", "p", "tlsCACerts"), {"path": "a\0"}, "peers.p.tlsCACerts.path"),
        (("peers", "p", "grpcOptions"), [], "peers.p.grpcOptions"),
        (
            ("peers", "p", "grpcOptions"),
            {"ssl-target-name-override": 5},
            "peers.p.grpcOptions.ssl-target-name-override",
        ),
    ],
)
def test_wrong_value_names_its_key_and_the_file(path: tuple[str, ...], value: Any, key: str) -> None:
    document: dict[str, Any] = {
        "client": {"organization": "Org1"},
        "organizations": {"Org1": {"mspid": "Org1MSP", "peers": ["p"]}},
        "peers": {"p": {"url": "grpcs://localhost:7051", "tlsCACerts": {"path": "ca.pem"}}},
    }
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(ConfigError) as caught:
        ConnectionProfile(document, source="profile.json", folder=Path()).connection(credentials=CREDENTIALS)
    assert caught.value.fields["key"] == key
    assert caught.value.fields["source"] == "profile.json"


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"a: [b",
        b"\x00",
        b"\xff",
        b"- 1",
        b"5",
        b"",
        b"!!python/object/apply:os.system ['true']",
        b"[" * 500_000,
        b"- " * 500_000,
    ],
)
@pytest.mark.parametrize("name", ["profile.json", "profile.yaml"])
def test_file_that_is_no_profile_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ConfigError):
        ConnectionProfile.from_file(file)


def test_broken_profile_shows_nothing_of_its_content(tmp_path: Path) -> None:
    file = tmp_path / "profile.yaml"
    file.write_bytes(b"organizations:\n  o: {users: {u: {private_key: '" + KEY_PEM + b"\n")
    with pytest.raises(ConfigError) as caught:
        ConnectionProfile.from_file(file)
    assert "PRIVATE" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@given(JSON)
def test_documents_of_any_kind_are_refused_with_a_coded_error(values: Any) -> None:
    with pytest.raises(ConfigError):
        ConnectionProfile(values, source="s", folder=Path()).connection(credentials=CREDENTIALS)


@given(st.integers(0, 2000))
def test_truncated_profile_is_read_or_refused(length: int) -> None:
    text = (Path(__file__).parents[2] / "data/profiles/fabric-connection.yaml").read_text()[:length]
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    try:
        ConnectionProfile(values, source="s", folder=Path()).connection(credentials=CREDENTIALS)
    except ConfigError:
        return


def test_yaml_that_refers_to_itself_is_refused_without_end() -> None:
    values = yaml.safe_load("&a {organizations: *a, peers: *a, client: *a}")
    with pytest.raises(ConfigError):
        ConnectionProfile(values, source="s", folder=Path()).connection(credentials=CREDENTIALS)


def test_certificate_authority_of_an_organisation_is_found(profiles: Path) -> None:
    hfc = ConnectionProfile.from_file(profiles / "hfc-network.json").authority()
    assert (hfc.url, hfc.name) == ("https://localhost:7054", "")
    assert hfc.tls_root_cert == profiles / "org1/ca.pem"


@pytest.mark.parametrize("name", ["ca-of-nobody", ""])
def test_authority_that_is_not_there_is_refused(profiles: Path, name: str) -> None:
    profile = ConnectionProfile.from_file(profiles / "hfc-network.json")
    with pytest.raises(ConfigError):
        profile.authority(name)
    with pytest.raises(ConfigError):
        profile.authority(organization="org2.gridledger.local")


def test_users_of_newer_hfc_profiles_are_read(profiles: Path, tmp_path: Path) -> None:
    values = json.loads((profiles / "hfc-network.json").read_text())
    users = values["organizations"]["org1.gridledger.local"]["users"]
    users["User1"] = {
        "cert": {"pem": base64.b64encode(CERTIFICATE).decode()},
        "private_key": {"path": "keys/user1.pem"},
    }
    path = tmp_path / "network.json"
    path.write_text(json.dumps(values))
    connection = ConnectionProfile.from_file(path).connection(user="User1")
    assert connection.read("certificate") == CERTIFICATE
    assert connection.private_key == tmp_path / "keys/user1.pem"
    for wrong in ({}, {"pem": "no base64"}, {"pem": 1}, []):
        users["User1"]["private_key"] = wrong
        path.write_text(json.dumps(values))
        with pytest.raises(ConfigError):
            ConnectionProfile.from_file(path).connection(user="User1")
