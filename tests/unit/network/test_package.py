"""Chaincode packages: equal content is equal bytes, and the form is that of Fabric's builder."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import time
from dataclasses import replace
from typing import Any

import pytest

from gridledger.model.errors import ConfigError
from gridledger.network.package import ChaincodePackage

PLAIN = ChaincodePackage(label="probe_1", address="127.0.0.1:20000")
SECURE = replace(PLAIN, client_certificate=b"CERT", client_key=b"SECRET-KEY", root_certificate=b"ROOT")


def _files(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive.getmembers()}  # type: ignore[union-attr]


def _connection(package: ChaincodePackage) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_files(_files(package.to_bytes())["code.tar.gz"])["connection.json"])
    return value


def test_package_holds_what_the_builder_reads() -> None:
    files = _files(PLAIN.to_bytes())
    assert list(files) == ["metadata.json", "code.tar.gz"]
    assert json.loads(files["metadata.json"]) == {"path": "", "type": "ccaas", "label": "probe_1"}
    assert _connection(PLAIN) == {"address": "127.0.0.1:20000", "dial_timeout": "10s", "tls_required": False}


def test_package_with_tls_names_certificate_key_and_root() -> None:
    connection = _connection(SECURE)
    assert connection["tls_required"] is True
    assert connection["client_auth_required"] is True
    assert connection["client_cert"] == "CERT"
    assert connection["client_key"] == "SECRET-KEY"
    assert connection["root_cert"] == "ROOT"


def test_equal_packages_are_equal_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    before = SECURE.to_bytes()
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    monkeypatch.setenv("USER", "somebody-else")
    assert replace(SECURE).to_bytes() == before


def test_package_bytes_are_these() -> None:
    # Beyond one version of zlib only the tar files are fixed, so they are what is compared.
    plain = gzip.decompress(PLAIN.to_bytes())
    assert plain[257:263] == b"ustar\0"
    assert hashlib.sha256(gzip.decompress(_files(PLAIN.to_bytes())["code.tar.gz"])).hexdigest() == (
        "07322c4cfd4b151b630e0d01def329771fdfe42cce79d1af992318f7b4366fb3"
    )


@pytest.mark.parametrize("change", [{"label": "probe_2"}, {"address": "127.0.0.1:20001"}])
def test_other_packages_have_other_ids(change: dict[str, str]) -> None:
    assert replace(PLAIN, **change).package_id != PLAIN.package_id  # type: ignore[arg-type]


def test_package_id_is_label_and_hash() -> None:
    assert PLAIN.package_id == f"probe_1:{hashlib.sha256(PLAIN.to_bytes()).hexdigest()}"


@pytest.mark.parametrize("label", ["", "a b", "../x", "-x", "probe:1", "probé"])
def test_label_out_of_the_rule_is_refused(label: str) -> None:
    with pytest.raises(ConfigError):
        ChaincodePackage(label=label, address="127.0.0.1:1")


@pytest.mark.parametrize("missing", ["client_certificate", "client_key", "root_certificate"])
def test_tls_material_in_part_is_refused(missing: str) -> None:
    with pytest.raises(ConfigError):
        replace(SECURE, **{missing: None})  # type: ignore[arg-type]


def test_package_shows_no_key() -> None:
    assert "SECRET-KEY" not in repr(SECURE)
