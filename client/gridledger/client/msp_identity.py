"""An MSP folder of somebody who signs: certificate, key, and the authorities above, in Fabric's layout."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gridledger.client.credentials import Credentials
from gridledger.client.pem import Pem
from gridledger.crypto.certificate import load_certificate
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError

__all__ = ["MspFiles", "MspIdentity", "find_key"]

_UNITS: Final = ("client", "peer", "admin", "orderer")
_MAX_FILE_BYTES: Final = 1 << 20
_MAX_FILES: Final = 100


@dataclass(frozen=True, kw_only=True)
class MspFiles:
    """Where the owner of an MSP folder has certificate and key, whatever tool wrote it and named them."""

    certificate: Path
    """The one certificate of `signcerts`; absolute."""

    key: Path = field(repr=False)
    """The key of `keystore` that belongs to it; absolute."""

    @classmethod
    def find(cls, folder: Path) -> Self:
        """Find them in an MSP folder, or in the folder that it is `msp` of.

        Raises
        ------
        ConfigError
            When there is not exactly one certificate, or no key that belongs to it. A single key is taken as
            it is: it may lie in a token.
        """
        root = _msp(folder).absolute()
        certificates, keys = _files(root / "signcerts"), _files(root / "keystore")
        if len(certificates) != 1:
            raise ConfigError(
                f"want one file in signcerts, found {len(certificates)}", key="msp", source=str(folder)
            )
        key = keys[0] if len(keys) == 1 else find_key(certificates[0], keys)
        if key is None:
            raise ConfigError(
                "has no key that belongs to its certificate", key="keystore", source=str(folder)
            )
        return cls(certificate=certificates[0], key=key)


@dataclass(frozen=True, kw_only=True)
class MspIdentity:
    """What such a folder holds.

    Notes
    -----
    ``signcerts/cert.pem``, ``keystore/priv_sk`` (0600; a key in a token as `TokenUri.to_pem`), ``cacerts``,
    ``intermediatecerts`` and ``config.yaml`` with Fabric's node units: what
    fabric-ca-client writes, and what cryptogen does, but for the names of the files. Any names are read.
    """

    certificate: bytes
    """The certificate, PEM."""

    private_key: Pem = field(repr=False)
    """Its key, PEM."""

    roots: Sequence[bytes] = ()
    """Certificates of the root authorities, PEM."""

    intermediates: Sequence[bytes] = ()
    """Certificates of the authorities below them, PEM."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder, or the one named `msp` in it.

        Raises
        ------
        ConfigError
            When it cannot be read, has not exactly one certificate, or no key that belongs to it.
        """
        files = MspFiles.find(folder)
        return cls(
            certificate=_read(files.certificate),
            private_key=Pem(_read(files.key)),
            roots=tuple(_read(path) for path in _files(_msp(folder) / "cacerts")),
            intermediates=tuple(_read(path) for path in _files(_msp(folder) / "intermediatecerts")),
        )

    def credentials(self, msp_id: str) -> Credentials:
        """Return certificate and key; ConfigError when they do not belong together."""
        return Credentials(msp_id=msp_id, certificate=self.certificate, private_key=self.private_key)

    def save(self, folder: Path) -> None:
        """Write a folder whole; one that is there is taken aside first, and removed when the new one stands.

        Raises
        ------
        ConfigError
            When there is no root, or a folder cannot be written.

        Notes
        -----
        Key and certificate belong together, so the folder changes as one. A crash between its two renames
        leaves both beside it, whole: ``.NAME.old`` and ``.NAME.new``.
        """
        if not self.roots:
            raise ConfigError("want a root certificate", key="msp", source=str(folder))
        new, old = (folder.with_name(f".{folder.name}.{which}") for which in ("new", "old"))
        try:
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700, parents=True)
            for path, data in self._files().items():
                write_file(new / path, data)
            write_file(new / "keystore" / "priv_sk", self.private_key.content, mode=0o600)
            if folder.exists():
                shutil.rmtree(old, ignore_errors=True)
                folder.rename(old)
            new.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        except OSError as error:
            raise ConfigError(
                f"cannot be written: {error.strerror}", key="msp", source=str(folder)
            ) from error

    def _files(self) -> dict[str, bytes]:
        """Return what anybody may read, by its place in the folder."""
        files = {"signcerts/cert.pem": self.certificate}
        for name, certificates in (("cacerts", self.roots), ("intermediatecerts", self.intermediates)):
            files |= {f"{name}/ca{number}-cert.pem": pem for number, pem in enumerate(certificates)}
        # Fabric CA gives the issuer's own certificate first.
        issuer = "intermediatecerts" if self.intermediates else "cacerts"
        return files | {"config.yaml": _node_units(f"{issuer}/ca0-cert.pem").encode()}


def _node_units(issuer: str) -> str:
    lines = ["NodeOUs:", "  Enable: true"]
    for unit in _UNITS:
        lines += [
            f"  {unit.capitalize()}OUIdentifier:",
            f"    Certificate: {issuer}",
            f"    OrganizationalUnitIdentifier: {unit}",
        ]
    return "\n".join(lines) + "\n"


def find_key(certificate: Path, keys: Sequence[Path]) -> Path | None:
    """Return the first file whose private key belongs to a certificate: former ones may lie beside it.

    Raises
    ------
    ConfigError
        When the certificate cannot be read.
    """
    try:
        wanted = load_certificate(_read(certificate)).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("is no certificate in PEM", key="certificate", source=str(certificate)) from error
    return next((key for key in keys if _public_key(key) == wanted), None)


def _public_key(path: Path) -> PublicKeyTypes | None:
    try:
        return load_pem_private_key(_read(path), password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Others may lie there, too: of other kinds, with a password, in a token.
        return None


def _msp(folder: Path) -> Path:
    inner = folder / "msp"
    return inner if (inner / "signcerts").is_dir() else folder


def _files(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="msp", source=str(folder)) from error
    return found[:_MAX_FILES]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="msp", source=str(path)) from error
    if len(data) > _MAX_FILE_BYTES:
        raise ConfigError("is too large for PEM", key="msp", source=str(path))
    return data
