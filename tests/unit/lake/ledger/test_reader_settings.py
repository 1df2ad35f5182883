"""The configuration of a reader: what it wants, and what it refuses by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gridledger.lake.ledger import ReaderSettings
from gridledger.model.errors import ConfigError
from gridledger.model.identifier import SystemIdentifier

WHOLE = 'connection = "c.json"\napplication = "88.1042.3"\nkey = "reader.key"\n'


def test_paths_start_from_the_files_folder(tmp_path: Path) -> None:
    file = tmp_path / "reader.toml"
    file.write_text(WHOLE)
    settings = ReaderSettings.from_file(file)
    assert (settings.connection, settings.key) == (tmp_path / "c.json", tmp_path / "reader.key")
    assert settings.application == SystemIdentifier("88.1042.3")


@pytest.mark.parametrize(
    ("own", "connections", "meant"),
    [(None, None, "gridledger"), (None, "theirs", "theirs"), ("ours", "theirs", "ours")],
)
def test_chaincode_is_the_files_own_or_the_connections(
    tmp_path: Path, own: str | None, connections: str | None, meant: str
) -> None:
    file, connection = tmp_path / "reader.toml", tmp_path / "c.json"
    file.write_text(WHOLE + (f'chaincode = "{own}"\n' if own else ""))
    values = {"endpoint": "127.0.0.1:7051", "msp_id": "Org1MSP", "certificate": "c", "private_key": "k"}
    connection.write_text(json.dumps(values | ({"chaincode": connections} if connections else {})))
    assert ReaderSettings.from_file(file).connected().chaincode == meant


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "application, connection, key"),
        (WHOLE.replace("key =", "kee ="), "kee, key"),
        (WHOLE.replace('"reader.key"', "7"), "key"),
        (WHOLE.replace("88.1042.3", "x/y"), "application"),
        (WHOLE.replace('"c.json"', '"'), "config"),
    ],
    ids=["empty", "misspelt", "a number", "no identifier", "no TOML"],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "reader.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        ReaderSettings.from_file(file)
    assert caught.value.fields["key"] == key


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        ReaderSettings.from_file(tmp_path / "none.toml")
