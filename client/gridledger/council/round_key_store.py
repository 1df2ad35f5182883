"""A super node's keys of rounds: a file each, written before it is announced, destroyed after the round."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from gridledger.crypto.secret_key import KEY_BYTES, SecretKey
from gridledger.crypto.wrapping import RecipientSecret

__all__ = ["RoundKeyStore"]


class RoundKeyStore:
    """The folder of a super node's round keys.

    Parameters
    ----------
    folder : pathlib.Path
        Made where it is missing, readable by its owner only.

    Notes
    -----
    Destroying overwrites the file before it unlinks it. What a disk, a snapshot or a backup keeps of earlier
    blocks nobody can say from here: the folder is to be on a memory file system, or on a disk without them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __repr__(self) -> str:
        return f"RoundKeyStore({str(self.folder)!r})"

    def draw(self, number: int) -> RecipientSecret:
        """Return the key of a round; it is drawn and written where there is none."""
        path = self._path(number)
        if not path.exists():
            SecretKey(secrets.token_bytes(KEY_BYTES)).save(path)
        return RecipientSecret(SecretKey.load(path))

    def has(self, number: int) -> bool:
        """Tell whether the key of a round is there."""
        return self._path(number).exists()

    def numbers(self) -> tuple[int, ...]:
        """Return the rounds whose keys are there."""
        return tuple(
            sorted(int(path.stem.removeprefix("round-")) for path in self.folder.glob("round-*.key"))
        )

    def destroy(self, number: int) -> None:
        """Destroy the key of a round; nothing happens where there is none."""
        path = self._path(number)
        if not path.exists():
            return
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _path(self, number: int) -> Path:
        return self.folder / f"round-{number}.key"
