"""An MSP folder of somebody who signs: certificate, key, and the authorities above, in Fabric's layout."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from gridledger.client.credentials import Credentials
from gridledger.client.identity import Identity
from gridledger.client.pem import Pem
from gridledger.client.signer import EcdsaSigner
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError

__all__ = ["MspIdentity"]

_UNITS: Final = ("client", "peer", "admin", "orderer")
_MAX_FILE_BYTES: Final = 1 << 20
_ANY_MSP: Final = "member"


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
        """Read a folder.

        Raises
        ------
        ConfigError
            When it cannot be read, has not exactly one certificate, or no key that belongs to it.
        """
        certificate = _only(folder, "signcerts")
        return cls(
            certificate=certificate,
            private_key=_key_of(certificate, folder),
            roots=tuple(_read(path) for path in _files(folder / "cacerts")),
            intermediates=tuple(_read(path) for path in _files(folder / "intermediatecerts")),
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


def _key_of(certificate: bytes, folder: Path) -> Pem:
    """Return the key of a certificate: fabric-ca-client leaves former ones beside it."""
    keys = [Pem(_read(path)) for path in _files(folder / "keystore")]
    if len(keys) == 1:
        return keys[0]
    wanted = Identity(msp_id=_ANY_MSP, certificate=certificate, source=str(folder)).public_numbers
    for key in keys:
        try:
            if EcdsaSigner(key.content).public_numbers == wanted:
                return key
        except ConfigError:
            # Others may lie there, too: of other kinds, with a password, in a token.
            continue
    raise ConfigError("has no key that belongs to its certificate", key="keystore", source=str(folder))


def _only(folder: Path, name: str) -> bytes:
    found = _files(folder / name)
    if len(found) != 1:
        raise ConfigError(f"want one file in {name}, found {len(found)}", key="msp", source=str(folder))
    return _read(found[0])


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="msp", source=str(folder)) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="msp", source=str(path)) from error
    if len(data) > _MAX_FILE_BYTES:
        raise ConfigError("is too large for PEM", key="msp", source=str(path))
    return data
