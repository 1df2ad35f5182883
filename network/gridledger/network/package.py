"""A chaincode package: where one organisation's peer finds the process that runs the chaincode.

A gzipped tar file of `metadata.json` and `code.tar.gz`, the latter with `connection.json`: the form of the
builder for chaincode as a service. Equal content is equal bytes, since the package's id is their hash.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from gridledger.model.errors import ConfigError

__all__ = ["ChaincodePackage"]

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_TYPE = "ccaas"
_DIAL_TIMEOUT = "10s"


@dataclass(frozen=True, kw_only=True)
class ChaincodePackage:
    """What one organisation installs on its peer.

    Parameters
    ----------
    label : str
        Letters, digits, `_`, `.`, `+`, `-`.
    address : str
        Host and port of the chaincode's process.
    client_certificate, client_key, root_certificate : bytes, optional
        PEM for mutual TLS from peer to chaincode; all three or none. The key makes the package a secret.
    """

    label: str
    address: str
    client_certificate: bytes | None = None
    client_key: bytes | None = field(default=None, repr=False)
    root_certificate: bytes | None = None

    def __post_init__(self) -> None:
        if not _LABEL.fullmatch(self.label):
            raise ConfigError(
                "letters, digits, _ . + -", key="label", source="ChaincodePackage", value=self.label
            )
        given = [self.client_certificate, self.client_key, self.root_certificate]
        if any(part is None for part in given) and any(part is not None for part in given):
            raise ConfigError("goes with certificate, key and root", key="TLS", source="ChaincodePackage")

    def to_bytes(self) -> bytes:
        """Return the package file."""
        metadata = {"path": "", "type": _TYPE, "label": self.label}
        code = _archive({"connection.json": _json(self._connection())})
        return _archive({"metadata.json": _json(metadata), "code.tar.gz": code})

    @property
    def package_id(self) -> str:
        """The id that every peer gives it: label and SHA-256 of the file."""
        return f"{self.label}:{hashlib.sha256(self.to_bytes()).hexdigest()}"

    def _connection(self) -> dict[str, object]:
        connection: dict[str, object] = {
            "address": self.address,
            "dial_timeout": _DIAL_TIMEOUT,
            "tls_required": False,
        }
        if self.client_certificate and self.client_key and self.root_certificate:
            connection |= {
                "tls_required": True,
                "client_auth_required": True,
                "client_cert": self.client_certificate.decode(),
                "client_key": self.client_key.decode(),
                "root_cert": self.root_certificate.decode(),
            }
        return connection


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _archive(files: Mapping[str, bytes]) -> bytes:
    plain = io.BytesIO()
    # Plain ustar with owner, mode and time fixed; gzip without name and time.
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)
