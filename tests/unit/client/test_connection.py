"""What `gridledger network connection` prints, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.fakes import CERTIFICATE, KEY_PEM

from gridledger.client import Connection, Pem
from gridledger.model.errors import ConfigError

GOOD = {
    "endpoint": "127.0.0.1:7051",
    "tls_root_cert": "tls.pem",
    "tls_host_override": "peer0.org1.gridledger.local",
    "msp_id": "Org1MSP",
    "certificate": "user.pem",
    "private_key": "key.pem",
    "channel": "energy",
    "chaincode": "gridledger",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def test_file_gives_paths_that_start_in_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "connection.json"
    file.write_text(json.dumps(GOOD))
    connection = Connection.from_file(file)
    assert connection.certificate == tmp_path / "user.pem"
    assert connection.tls_root_cert == tmp_path / "tls.pem"
    assert connection.uses_tls
    assert connection.channel == "energy"


def test_absolute_paths_and_nulls_are_taken_as_they_are() -> None:
    values = {
        **GOOD,
        "certificate": "/etc/user.pem",
        "private_key": None,
        "tls_root_cert": None,
        "tls_host_override": None,
    }
    connection = Connection.from_values(values)
    assert connection.certificate == Path("/etc/user.pem")
    assert connection.private_key is None
    assert not connection.uses_tls


def test_read_returns_pem_or_file_content(tmp_path: Path) -> None:
    (tmp_path / "user.pem").write_bytes(CERTIFICATE)
    connection = Connection(
        endpoint="h:1", msp_id="O", certificate=tmp_path / "user.pem", private_key=Pem(KEY_PEM)
    )
    assert connection.read("certificate") == CERTIFICATE
    assert connection.read("private_key") == KEY_PEM
    assert connection.read("tls_root_cert") is None


def test_read_of_a_missing_file_names_key_and_path(tmp_path: Path) -> None:
    connection = Connection(endpoint="h:1", msp_id="O", certificate=tmp_path / "none.pem", source="here")
    with pytest.raises(ConfigError) as caught:
        connection.read("certificate")
    assert caught.value.fields == {
        "key": "certificate",
        "source": "here",
        "value": str(tmp_path / "none.pem"),
    }


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "connection"),
        (b"{", "connection"),
        (b"[]", "connection"),
        (b"\xff\xfe", "connection"),
        (b"[" * 100_000, "connection"),
        (b"{}", "endpoint, msp_id, certificate"),
        (json.dumps({**GOOD, "endpoint": 7051}).encode(), "endpoint"),
        (json.dumps({**GOOD, "endpoint": "host"}).encode(), "endpoint"),
        (json.dumps({**GOOD, "endpoint": "host:0"}).encode(), "endpoint"),
        (json.dumps({**GOOD, "endpoint": "host:65536"}).encode(), "endpoint"),
        (json.dumps({**GOOD, "endpoint": "host:\u0661"}).encode(), "endpoint"),
        (json.dumps({**GOOD, "endpoint": "grpc://host:7051"}).encode(), "endpoint"),
        (json.dumps({**GOOD, "msp_id": ""}).encode(), "msp_id"),
        (json.dumps({**GOOD, "msp_id": "a\nb"}).encode(), "msp_id"),
        (json.dumps({**GOOD, "tls_root": "x"}).encode(), "tls_root"),
        (json.dumps({**GOOD, "tls_root_cert": None}).encode(), "tls_root_cert"),
        (json.dumps({**GOOD, "certificate": ["x"]}).encode(), "certificate"),
        (json.dumps({**GOOD, "certificate": "a\0b"}).encode(), "certificate"),
        (json.dumps({**GOOD, "tls_client_certificate": "x"}).encode(), "tls_client_key"),
    ],
)
def test_file_that_is_no_connection_names_key_and_source(tmp_path: Path, content: bytes, key: str) -> None:
    file = tmp_path / "connection.json"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Connection.from_file(file)
    assert caught.value.fields["key"] == key
    assert caught.value.fields["source"] == str(file)


def test_file_that_is_missing_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Connection.from_file(tmp_path / "none.json")
    with pytest.raises(ConfigError):
        Connection.from_file(tmp_path)
    large = tmp_path / "large.json"
    large.write_bytes(b" " * (1 << 20) + b"{}")
    with pytest.raises(ConfigError, match="too large"):
        Connection.from_file(large)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Connection(endpoint="x", msp_id="", certificate=None, channel="")  # type: ignore[arg-type]
    assert caught.value.fields["key"] == "endpoint, msp_id, channel, certificate"


@given(JSON)
def test_values_of_any_kind_are_refused_with_a_coded_error(values: Any) -> None:
    with pytest.raises(ConfigError):
        Connection.from_values(values)


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_any_value_in_any_key_is_taken_or_refused(key: str, value: Any) -> None:
    try:
        connection = Connection.from_values({**GOOD, key: value})
    except ConfigError as error:
        named = str(error.fields["key"])
    else:
        named = key
        assert isinstance(connection, Connection)
    # Without the root certificate the other TLS settings are wrong.
    assert key in named or named == "tls_root_cert"


@given(st.integers(0, len(json.dumps(GOOD)) - 1))
def test_truncated_json_is_refused(length: int) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(json.dumps(GOOD)[:length].encode())
        file.flush()
        with pytest.raises(ConfigError):
            Connection.from_file(file.name)
