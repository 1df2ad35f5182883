"""Certificate and key in an MSP folder of any tool: cryptogen, Fabric CA's client, or ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gridledger.client.credentials import Credentials
from gridledger.client.pem import Pem
from gridledger.client.token_uri import TokenUri
from gridledger.crypto.certificate import load_certificate
from gridledger.model.errors import ConfigError
from gridledger.network.errors import MaterialError

__all__ = ["MspSigner", "find_pair"]

_MAX_FILE_BYTES: Final = 1 << 16
_MAX_FILES: Final = 100


@dataclass(frozen=True, kw_only=True)
class MspSigner:
    """Where the owner of an MSP folder has certificate and key; nothing of it is changed or copied.

    Parameters
    ----------
    certificate, key : Path
        The two files, absolute.
    """

    certificate: Path
    key: Path = field(repr=False)

    @classmethod
    def find(cls, folder: Path) -> Self:
        """Find them: the one certificate of `signcerts`, and the key of `keystore` that belongs to it.

        A key in a PKCS#11 token counts where it is the only one.

        Parameters
        ----------
        folder : Path
            The MSP folder, or the folder that it is `msp` of.

        Raises
        ------
        MaterialError
            If there is no such folder, not one certificate, or no key that belongs to it.
        """
        inner = folder / "msp"
        root = (inner if (inner / "signcerts").is_dir() else folder).absolute()
        certificates = _files(root / "signcerts")
        if len(certificates) != 1:
            raise MaterialError(
                f"{root} is no MSP folder of an administrator or user: want one certificate in signcerts,"
                f" there are {len(certificates)}"
            )
        keys = _files(root / "keystore")
        key = find_pair(certificates[0], keys)
        if key is None and len(keys) == 1 and TokenUri.is_pem(_read(keys[0])):
            # The token is opened by who signs.
            key = keys[0]
        if key is None:
            raise MaterialError(f"no key in {root / 'keystore'} belongs to {certificates[0]}")
        return cls(certificate=certificates[0], key=key)

    def credentials(self, msp_id: str) -> Credentials:
        """Return what the owner speaks and signs with, as a member of an MSP.

        Raises
        ------
        MaterialError
            If certificate or key cannot be used, such as a key that is not on P-256.
        """
        try:
            return Credentials(
                msp_id=msp_id,
                certificate=_read(self.certificate),
                private_key=Pem(_read(self.key)),
                source=str(self.certificate),
            )
        except ConfigError as error:
            raise MaterialError(error.message) from error


def find_pair(certificate: Path, keys: list[Path]) -> Path | None:
    """Return the first file whose private key belongs to a certificate; None if there is none.

    Raises
    ------
    MaterialError
        If the certificate cannot be read.
    """
    try:
        wanted = load_certificate(_read(certificate)).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MaterialError(f"{certificate} is no certificate in PEM") from error
    return next((key for key in keys if _public_key(key) == wanted), None)


def _public_key(path: Path) -> PublicKeyTypes | None:
    try:
        return load_pem_private_key(_read(path), password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Beside the key may lie others, with a password or of other kinds.
        return None


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        found = sorted(path for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise MaterialError(f"{folder} cannot be read: {error.strerror}") from error
    return found[:_MAX_FILES]


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError as error:
        raise MaterialError(f"{path} cannot be read: {error.strerror}") from error
