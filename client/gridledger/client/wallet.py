"""Identities in a folder, in the format of Fabric's Node SDK."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from gridledger.client.credentials import Credentials
from gridledger.client.pem import Pem
from gridledger.host.durable_file import write_file
from gridledger.model.errors import ConfigError

__all__ = ["Wallet"]

_SUFFIX = ".id"
_TYPE = "X.509"
_VERSION = 1
_MAX_FILE_BYTES = 1 << 20
_MAX_LABEL = 200


class Wallet:
    """A folder with a file ``<label>.id`` for each identity.

    Parameters
    ----------
    folder : Path or str
        Created with the first identity, for its owner only.

    Notes
    -----
    A file holds ``{"credentials": {"certificate": …, "privateKey": …}, "mspId": …, "type": "X.509",
    "version": 1}``. Files are written for their owner only, and never in part.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)

    def __repr__(self) -> str:
        return f"Wallet({str(self._folder)!r})"

    def labels(self) -> list[str]:
        """Return the labels, sorted; none when there is no folder.

        Raises
        ------
        ConfigError
            When the folder cannot be read.
        """
        try:
            return sorted(
                path.name.removesuffix(_SUFFIX) for path in self._folder.iterdir() if path.suffix == _SUFFIX
            )
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unusable("read", error) from error

    def get(self, label: str) -> Credentials:
        """Read an identity.

        Parameters
        ----------
        label : str
            Its label.

        Raises
        ------
        ConfigError
            When there is none, or its file is something else.
        """
        path = self._path(label)
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_FILE_BYTES + 1)
        except FileNotFoundError as error:
            raise ConfigError("no such identity", key=label, source=str(self._folder)) from error
        except OSError as error:
            raise self._unusable("read", error) from error
        return _read(data, str(path))

    def put(self, label: str, credentials: Credentials, *, replace: bool = False) -> None:
        """Write an identity.

        Parameters
        ----------
        label : str
            1 to 200 printable characters without slashes, not starting with a dot.
        credentials : Credentials
            Certificate and key.
        replace : bool, optional
            Whether there may be one of this label already.

        Raises
        ------
        ConfigError
            When there is one already, or the folder cannot be written.
        """
        path = self._path(label)
        value = {
            "credentials": {
                "certificate": credentials.certificate.decode(),
                "privateKey": credentials.private_key.content.decode(),
            },
            "mspId": credentials.msp_id,
            "type": _TYPE,
            "version": _VERSION,
        }
        data = json.dumps(value, separators=(",", ":")).encode()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(path, data, mode=0o600, replace=replace)
        except FileExistsError as error:
            raise ConfigError("there is one already", key=label, source=str(self._folder)) from error
        except OSError as error:
            raise self._unusable("written", error) from error

    def remove(self, label: str) -> None:
        """Delete an identity; ConfigError when there is none."""
        try:
            self._path(label).unlink()
        except FileNotFoundError as error:
            raise ConfigError("no such identity", key=label, source=str(self._folder)) from error
        except OSError as error:
            raise self._unusable("written", error) from error

    def _path(self, label: str) -> Path:
        fits = isinstance(label, str) and 0 < len(label) <= _MAX_LABEL and label.isprintable()
        if not fits or label.startswith(".") or "/" in label or "\\" in label:
            raise ConfigError(
                "want 1 to 200 printable characters, no slash, no dot in front",
                key="label",
                source=str(self._folder),
                value=repr(label)[:80],
            )
        return self._folder / f"{label}{_SUFFIX}"

    def _unusable(self, verb: str, error: OSError) -> ConfigError:
        return ConfigError(f"cannot be {verb}: {error.strerror}", key="wallet", source=str(self._folder))


def _read(data: bytes, source: str) -> Credentials:
    if len(data) > _MAX_FILE_BYTES:
        raise ConfigError("is too large for an identity", key="identity", source=source)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        # Not chained: the parser's error carries the whole text, key and all.
        raise ConfigError("want JSON", key="identity", source=source) from None
    if not isinstance(value, Mapping):
        raise ConfigError("want a JSON object", key="identity", source=source)
    if value.get("type") != _TYPE:
        raise ConfigError(f"want {_TYPE}", key="type", source=source, value=repr(value.get("type"))[:40])
    version = value.get("version")
    if version != _VERSION or isinstance(version, bool):
        raise ConfigError(f"want {_VERSION}", key="version", source=source, value=repr(version)[:40])
    found = value.get("credentials")
    if not isinstance(found, Mapping):
        raise ConfigError("want a JSON object", key="credentials", source=source)
    texts = {
        "mspId": value.get("mspId"),
        "credentials.certificate": found.get("certificate"),
        "credentials.privateKey": found.get("privateKey"),
    }
    wrong = [
        key for key, text in texts.items() if not isinstance(text, str) or not text or not text.isascii()
    ]
    if wrong:
        raise ConfigError("want text", key=", ".join(wrong), source=source)
    return Credentials(
        msp_id=str(texts["mspId"]),
        certificate=str(texts["credentials.certificate"]).encode(),
        private_key=Pem(str(texts["credentials.privateKey"]).encode()),
        source=source,
    )
