"""Installed packages: what is read from them, and what is no package."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.devnet.kit import Net

from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.installed import Packages, read_package
from gridledger.network.package import ChaincodePackage

PACKAGE = ChaincodePackage(label="keeper_1", address="127.0.0.1:9999")


def _archive(files: dict[str, bytes]) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


def _package(metadata: Any, connection: Any) -> bytes:
    code = _archive({"connection.json": json.dumps(connection).encode()})
    return _archive({"metadata.json": json.dumps(metadata).encode(), "code.tar.gz": code})


METADATA = {"type": "ccaas", "label": "keeper_1"}


def test_package_of_the_tools_is_read() -> None:
    package_id, label, connection = read_package(PACKAGE.to_bytes())
    assert (package_id, label) == (PACKAGE.package_id, "keeper_1")
    assert connection["address"] == "127.0.0.1:9999"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "gzip"),
        (b"\x1f\x8b", "gzip"),
        (gzip.compress(b"no tar", mtime=0), "gzip"),
        (_archive({"metadata.json": b"{}"}), "code.tar.gz not found"),
        (_archive({"metadata.json": b"[", "code.tar.gz": b""}), "could not unmarshal metadata.json"),
        (_package([], {"address": "a:1"}), "could not unmarshal metadata.json"),
        (_package({"type": "ccaas", "label": "no spaces"}, {"address": "a:1"}), "invalid label"),
        (_package({"type": "ccaas"}, {"address": "a:1"}), "invalid label"),
        (_package({"type": "golang", "label": "x"}, {"address": "a:1"}), "chaincode type not supported"),
        (_package(METADATA, {}), "chaincode address not provided"),
        (_package(METADATA, {"address": 7}), "address is no string"),
        (_package(METADATA, {"address": "127.0.0.1:{{.port}}"}), "template"),
        (_package(METADATA, {"address": "a:1", "tls_required": True}), "root cert not provided"),
        (
            _package(
                METADATA,
                {"address": "a:1", "tls_required": True, "client_auth_required": True, "root_cert": "x"},
            ),
            "tls key not provided",
        ),
        (_package(METADATA, {"address": "a:1", "dial_timeout": "soon"}), "invalid duration"),
    ],
)
def test_what_is_no_package_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        read_package(data)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_garbage_and_torn_packages_are_refused(data: bytes, cut: int) -> None:
    for candidate in (data, gzip.compress(data)):
        with pytest.raises(Malformed):
            read_package(candidate)
    whole = PACKAGE.to_bytes()
    torn = whole[: min(cut, len(whole) - 1)]
    try:
        package_id, _, _ = read_package(torn)
    except Malformed:
        return
    # What is missing at the very end of a tar file is padding: another package, by its id.
    assert package_id != PACKAGE.package_id


@pytest.mark.parametrize(
    ("text", "seconds"), [("10s", 10), ("500ms", 0.5), ("2m", 120), ("", 3), (2_000_000_000, 2)]
)
async def test_dial_timeout_is_read_as_go_reads_it(net: Net, text: Any, seconds: float) -> None:
    data = _package(METADATA, {"address": "a:1", "dial_timeout": text})
    package = await net.organisations["Org1MSP"].packages.install(data)
    assert package.address.dial_seconds == seconds


async def test_package_is_installed_once_and_found_after_a_restart(net: Net) -> None:
    packages = net.organisations["Org1MSP"].packages
    installed = await packages.install(PACKAGE.to_bytes())
    with pytest.raises(Refused, match="already successfully installed"):
        await packages.install(PACKAGE.to_bytes())
    again = Packages(net.ledger, "Org1MSP")
    assert again.get(installed.package_id) == installed
    assert again.data(installed.package_id) == PACKAGE.to_bytes()
    assert not Packages(net.ledger, "Org2MSP").all()


async def test_key_of_a_package_stands_in_no_repr(net: Net) -> None:
    connection = {
        "address": "a:1",
        "tls_required": True,
        "client_auth_required": True,
        "root_cert": "root",
        "client_cert": "certificate",
        "client_key": "very secret",
    }
    installed = await net.organisations["Org1MSP"].packages.install(_package(METADATA, connection))
    assert installed.address.client_key == "very secret"
    assert "very secret" not in repr(installed)
