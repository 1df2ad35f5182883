"""Wallet folders in the format of the Node SDK."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.client.fakes import CERTIFICATE, KEY_PEM, OTHER_KEY_PEM
from tests.unit.client.test_connection import JSON

from gridledger.client import Credentials, Pem, Wallet
from gridledger.client.wallet import _read
from gridledger.model.errors import ConfigError

CREDENTIALS = Credentials(msp_id="Org1MSP", certificate=CERTIFICATE, private_key=Pem(KEY_PEM))


def document(**changes: Any) -> dict[str, Any]:
    return {
        "credentials": {"certificate": CERTIFICATE.decode(), "privateKey": KEY_PEM.decode()},
        "mspId": "Org1MSP",
        "type": "X.509",
        "version": 1,
        **changes,
    }


def test_identity_is_found_again_under_its_label(tmp_path: Path) -> None:
    wallet = Wallet(tmp_path / "wallet")
    assert wallet.labels() == []
    wallet.put("user1@org1", CREDENTIALS)
    wallet.put("admin", CREDENTIALS)
    assert wallet.labels() == ["admin", "user1@org1"]
    assert wallet.get("user1@org1") == CREDENTIALS
    wallet.remove("admin")
    assert wallet.labels() == ["user1@org1"]


def test_file_is_what_the_node_sdk_writes_and_for_its_owner_only(tmp_path: Path) -> None:
    Wallet(tmp_path / "wallet").put("u", CREDENTIALS)
    file = tmp_path / "wallet" / "u.id"
    assert json.loads(file.read_text()) == document()
    assert list(json.loads(file.read_text())) == ["credentials", "mspId", "type", "version"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["u.id"]


def test_file_of_the_node_sdk_is_read(tmp_path: Path) -> None:
    (tmp_path / "node.id").write_text(json.dumps(document()))
    assert Wallet(tmp_path).get("node") == CREDENTIALS


def test_existing_identity_is_replaced_only_when_asked(tmp_path: Path) -> None:
    wallet = Wallet(tmp_path)
    wallet.put("u", CREDENTIALS)
    with pytest.raises(ConfigError, match="already"):
        wallet.put("u", CREDENTIALS)
    other = Credentials(msp_id="Org2MSP", certificate=CERTIFICATE, private_key=Pem(KEY_PEM))
    wallet.put("u", other, replace=True)
    assert wallet.get("u").msp_id == "Org2MSP"
    assert wallet.labels() == ["u"]


def test_missing_identity_is_named(tmp_path: Path) -> None:
    for call in (Wallet(tmp_path).get, Wallet(tmp_path).remove):
        with pytest.raises(ConfigError) as caught:
            call("nobody")
        assert caught.value.fields["key"] == "nobody"


@pytest.mark.parametrize(
    "label", ["", ".", "..", "../u", "a/b", "a\\b", "a\0b", "a\nb", ".hidden", "x" * 201, 5]
)
def test_label_that_leaves_the_folder_is_refused(tmp_path: Path, label: Any) -> None:
    wallet = Wallet(tmp_path / "wallet")
    for call in (wallet.get, wallet.remove, lambda one: wallet.put(one, CREDENTIALS)):
        with pytest.raises(ConfigError) as caught:
            call(label)
        assert caught.value.fields["key"] == "label"


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        (document(type="HSM-X.509"), "type"),
        (document(version=2), "version"),
        (document(version=True), "version"),
        (document(credentials=None), "credentials"),
        (document(credentials={}), "credentials.certificate, credentials.privateKey"),
        (document(mspId=""), "mspId"),
        (document(mspId=5), "mspId"),
        (document(credentials={"certificate": "x", "privateKey": KEY_PEM.decode()}), "certificate"),
        (document(credentials={"certificate": CERTIFICATE.decode(), "privateKey": "x"}), "private_key"),
        (
            document(credentials={"certificate": CERTIFICATE.decode(), "privateKey": OTHER_KEY_PEM.decode()}),
            "private_key",
        ),
        ([], "identity"),
        ("x", "identity"),
    ],
)
def test_file_that_is_no_identity_names_the_key_and_no_secret(tmp_path: Path, changed: Any, key: str) -> None:
    file = tmp_path / "u.id"
    file.write_text(json.dumps(changed))
    with pytest.raises(ConfigError) as caught:
        Wallet(tmp_path).get("u")
    assert caught.value.fields["key"] == key
    assert caught.value.fields["source"] == str(file)
    assert "PRIVATE" not in repr(caught.value)
    assert "PRIVATE" not in str(caught.value.fields)


@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_bytes_of_any_kind_are_refused_with_a_coded_error(data: bytes) -> None:
    with pytest.raises(ConfigError):
        _read(data, "u.id")


@given(st.integers(0, 10_000))
def test_truncated_identity_is_refused_and_shows_no_key(length: int) -> None:
    data = json.dumps(document()).encode()
    with pytest.raises(ConfigError) as caught:
        _read(data[: length % len(data)], "u.id")
    assert "PRIVATE" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wallet"
    file.write_text("")
    for call in (Wallet(file).labels, lambda: Wallet(file).put("u", CREDENTIALS)):
        with pytest.raises(ConfigError):
            call()
