"""Identities in a wallet of fabric-sdk-py (hfc): a folder for each name, which nobody's MSP is written in."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from gridledger.client.credentials import Credentials
from gridledger.client.msp_identity import MspIdentity
from gridledger.client.pem import Pem
from gridledger.model.errors import ConfigError

__all__ = ["HfcWallet"]

_CERTIFICATE: Final = "enrollmentCert.pem"
_KEY: Final = "private_sk"
_MAX_FILE_BYTES: Final = 1 << 20


class HfcWallet:
    """hfc's ``FileSystenWallet``, to read from.

    Parameters
    ----------
    folder : Path or str
        hfc's is ``tmp/hfc-kvs`` below the working directory, unless a program says otherwise.
    msp_id : str
        MSP that its identities belong to: hfc keeps it in programs, not in the wallet.

    Examples
    --------
    >>> HfcWallet("no/such/folder", msp_id="Org1MSP").labels()
    []
    """

    def __init__(self, folder: Path | str, *, msp_id: str) -> None:
        self._folder = Path(folder)
        self._msp_id = msp_id

    def __repr__(self) -> str:
        return f"HfcWallet({str(self._folder)!r}, msp_id={self._msp_id!r})"

    def labels(self) -> list[str]:
        """Return the names, sorted; none when there is no folder.

        Raises
        ------
        ConfigError
            When the folder cannot be read.
        """
        try:
            return sorted(path.name for path in self._folder.iterdir() if self.is_identity(path))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}", key="wallet", source=str(self._folder)
            ) from error

    def get(self, label: str) -> Credentials:
        """Read an identity; ConfigError when there is none, or it is something else."""
        if label in {"", ".", ".."} or "/" in label or "\0" in label:
            raise ConfigError("no such identity", key=label[:80], source=str(self._folder))
        return self.read(self._folder / label).credentials(self._msp_id)

    @staticmethod
    def is_identity(folder: Path) -> bool:
        """Tell whether a folder is an identity's in such a wallet."""
        return (folder / _CERTIFICATE).is_file() and (folder / _KEY).is_file()

    @staticmethod
    def read(folder: Path) -> MspIdentity:
        """Read an identity's folder; ConfigError when it cannot be read. No authority stands in it."""
        return MspIdentity(certificate=_read(folder / _CERTIFICATE), private_key=Pem(_read(folder / _KEY)))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError("no such identity", key=path.parent.name, source=str(path.parent.parent)) from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", key="identity", source=str(path)) from error
    if len(data) > _MAX_FILE_BYTES:
        raise ConfigError("is too large for PEM", key="identity", source=str(path))
    return data
