"""Installed chaincode packages: their form, and where they say that the chaincode serves."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import tarfile
import zlib
from dataclasses import dataclass, field
from typing import Any

from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.ledger import Ledger

__all__ = ["ChaincodeAddress", "InstalledPackage", "Packages", "read_package"]

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_DIAL_SECONDS = 3.0
_MEMBER_LIMIT = 64 * 1024 * 1024
"""No file of a package may unpack to more."""


@dataclass(frozen=True, kw_only=True)
class ChaincodeAddress:
    """Where a chaincode's server is, and how it is spoken to.

    Parameters
    ----------
    address : str
        Host and port.
    dial_seconds : float
        How long a connection may take.
    root_certificate : str, optional
        PEM; the server is spoken to by TLS then.
    client_certificate, client_key : str, optional
        PEM, for mutual TLS.
    server_name : str, optional
        The name to look for in the server's certificate.
    """

    address: str
    dial_seconds: float = _DIAL_SECONDS
    root_certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = field(default=None, repr=False)
    server_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class InstalledPackage:
    """A package that an organisation installed."""

    package_id: str
    label: str
    address: ChaincodeAddress


def read_package(data: bytes) -> tuple[str, str, dict[str, Any]]:
    """Return a package's id, its label and its connection.

    Parameters
    ----------
    data : bytes
        The gzipped tar file.

    Raises
    ------
    Malformed
        If it is no package of chaincode as a service.
    """
    members = _members(data, {"metadata.json", "code.tar.gz"})
    metadata = _object(members["metadata.json"], "metadata.json")
    label = metadata.get("label")
    if not isinstance(label, str) or not _LABEL.fullmatch(label):
        raise Malformed(
            f"could not parse as a chaincode install package: invalid label '{label}'. Label must be "
            "non-empty, can only "
            "consist of alphanumerics, symbols from '.+-_', and can only begin with alphanumerics"
        )
    if str(metadata.get("type", "")).lower() != "ccaas":
        raise Malformed(
            "could not build chaincode: docker build is disabled: "
            f"chaincode type not supported: {metadata.get('type')}"
        )
    connection = _object(
        _members(members["code.tar.gz"], {"connection.json"})["connection.json"], "connection.json"
    )
    _address(connection)
    return f"{label}:{hashlib.sha256(data).hexdigest()}", label, connection


def _members(data: bytes, wanted: set[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if name in wanted and member.isfile():
                    if member.size > _MEMBER_LIMIT:
                        raise Malformed(f"{name} is larger than {_MEMBER_LIMIT} bytes")
                    stream = archive.extractfile(member)
                    found[name] = stream.read() if stream is not None else b""
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise Malformed(
            "could not parse as a chaincode install package: error reading as gzip stream"
        ) from error
    missing = sorted(wanted - found.keys())
    if missing:
        raise Malformed(f"could not parse as a chaincode install package: {missing[0]} not found")
    return found


def _object(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"could not unmarshal {name} as json") from error
    if not isinstance(value, dict):
        raise Malformed(f"could not unmarshal {name} as json")
    return value


def _address(connection: dict[str, Any]) -> ChaincodeAddress:
    texts = {}
    for name in ("address", "domain", "root_cert", "client_cert", "client_key"):
        value = connection.get(name, "")
        if not isinstance(value, str):
            raise Malformed(f"connection.json: {name} is no string")
        if "{{" in value:
            raise Malformed(
                f"connection.json: the template in {name} cannot be filled: the peer has no values for it"
            )
        texts[name] = value
    if not texts["address"]:
        raise Malformed("chaincode address not provided")
    tls = connection.get("tls_required") is True
    mutual = tls and connection.get("client_auth_required") is True
    if tls and not texts["root_cert"]:
        raise Malformed("chaincode tls root cert not provided")
    if mutual and not (texts["client_cert"] and texts["client_key"]):
        raise Malformed(
            "chaincode tls key not provided" if not texts["client_key"] else "chaincode tls cert not provided"
        )
    return ChaincodeAddress(
        address=texts["address"],
        dial_seconds=_seconds(connection.get("dial_timeout", "")),
        root_certificate=texts["root_cert"] if tls else None,
        client_certificate=texts["client_cert"] if mutual else None,
        client_key=texts["client_key"] if mutual else None,
        server_name=texts["domain"] or None,
    )


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return value / 1e9
    if value in ("", 0):
        return _DIAL_SECONDS
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Malformed("connection.json: invalid duration")
    return float(match["number"]) * _UNITS[match["unit"]]


class Packages:
    """The packages that one organisation installed.

    Parameters
    ----------
    ledger : Ledger
        Keeps them.
    msp_id : str
        The organisation.
    """

    def __init__(self, ledger: Ledger, msp_id: str) -> None:
        self._ledger = ledger
        self._msp_id = msp_id
        self._known: dict[str, InstalledPackage] = {}
        self._lock = asyncio.Lock()
        with ledger.snapshot() as snapshot:
            for package_id, label, connection in snapshot.packages(msp_id):
                self._remember(package_id, label, json.loads(connection))

    def _remember(self, package_id: str, label: str, connection: dict[str, Any]) -> InstalledPackage:
        package = InstalledPackage(package_id=package_id, label=label, address=_address(connection))
        self._known[package_id] = package
        return package

    async def install(self, data: bytes) -> InstalledPackage:
        """Keep a package.

        Raises
        ------
        Malformed
            If it is none.
        Refused
            If it is installed already.
        """
        package_id, label, connection = read_package(data)
        async with self._lock:
            if package_id in self._known:
                raise Refused(f"chaincode already successfully installed (package ID '{package_id}')")
            await self._ledger.save_package(self._msp_id, package_id, label, json.dumps(connection), data)
            return self._remember(package_id, label, connection)

    def get(self, package_id: str) -> InstalledPackage | None:
        """Return an installed package."""
        return self._known.get(package_id)

    def __len__(self) -> int:
        return len(self._known)

    def all(self) -> list[InstalledPackage]:
        """Return all installed packages by id."""
        return [self._known[package_id] for package_id in sorted(self._known)]

    def data(self, package_id: str) -> bytes:
        """Return the package's file."""
        with self._ledger.snapshot() as snapshot:
            data = snapshot.package(self._msp_id, package_id)
        if data is None:
            raise Refused(f"chaincode install package '{package_id}' not found")
        return data
