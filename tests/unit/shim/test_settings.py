from __future__ import annotations

from pathlib import Path

import pytest

from gridledger.model.errors import ConfigError
from gridledger.shim import ServerSettings
from gridledger.shim.__main__ import load_chaincode, main

BASE = {"CHAINCODE_ID": "probe:0", "CHAINCODE_SERVER_ADDRESS": "127.0.0.1:0"}


def test_environment_without_tls_is_plain_text() -> None:
    settings = ServerSettings.from_environment(BASE)

    assert (settings.chaincode_id, settings.address, settings.tls) == ("probe:0", "127.0.0.1:0", None)


@pytest.mark.parametrize("missing", BASE)
def test_variable_missing_is_named(missing: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ServerSettings.from_environment({**BASE, missing: ""})
    assert caught.value.fields["key"] == missing


def test_tls_files_are_named_by_the_environment(tmp_path: Path) -> None:
    for name in ("cert", "key", "ca"):
        (tmp_path / name).write_text(f"content of {name}")
    settings = ServerSettings.from_environment(
        {
            **BASE,
            "CHAINCODE_TLS_CERT": str(tmp_path / "cert"),
            "CHAINCODE_TLS_KEY": str(tmp_path / "key"),
            "CHAINCODE_TLS_CLIENT_CA": str(tmp_path / "ca"),
        }
    )

    assert settings.tls is not None
    assert settings.tls.private_key == tmp_path / "key"
    assert settings.tls.client_ca == tmp_path / "ca"


@pytest.mark.parametrize("present", ["CHAINCODE_TLS_CERT", "CHAINCODE_TLS_KEY", "CHAINCODE_TLS_CLIENT_CA"])
def test_half_of_tls_is_refused(tmp_path: Path, present: str) -> None:
    (tmp_path / "file").write_text("content")

    with pytest.raises(ConfigError) as caught:
        ServerSettings.from_environment({**BASE, present: str(tmp_path / "file")})
    assert str(caught.value.fields["key"]).startswith("CHAINCODE_TLS_")


def test_tls_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")

    with pytest.raises(ConfigError) as caught:
        ServerSettings.from_environment({**BASE, "CHAINCODE_TLS_CERT": missing, "CHAINCODE_TLS_KEY": missing})
    assert caught.value.fields["value"] == missing


def test_chaincode_is_loaded_by_module_and_class() -> None:
    assert hasattr(load_chaincode("gridledger.shim.contract:ContractChaincode"), "invoke")


@pytest.mark.parametrize(
    "target",
    [
        "no_such_module:Probe",
        "gridledger.shim:NoSuchClass",
        "gridledger.shim:KeyEndorsementPolicy",
        ":Probe",
        "gridledger.shim:",
    ],
)
def test_chaincode_that_cannot_be_loaded_is_refused(target: str) -> None:
    with pytest.raises(ConfigError):
        load_chaincode(target)


@pytest.mark.parametrize("arguments", [[], ["no-colon"], ["a:b", "c"]])
def test_command_line_that_is_wrong_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "MODULE:CLASS" in capsys.readouterr().err


def test_command_without_environment_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CHAINCODE_ID", raising=False)

    assert main(["gridledger.shim.contract:ContractChaincode"]) == 3
    assert "CHAINCODE_ID" in capsys.readouterr().err
