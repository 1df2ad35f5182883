"""32 secret bytes: a key that no repr, log or exception shows.

derived key = HKDF-SHA256(key, salt, info, 32 bytes)       RFC 5869
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gridledger.crypto.errors import KeyMalformed

__all__ = ["KEY_BYTES", "SecretKey"]

KEY_BYTES = 32


class SecretKey:
    """A symmetric key.

    Parameters
    ----------
    raw : bytes of length 32
        The key itself.

    Raises
    ------
    KeyMalformed
        `raw` has another length.

    Notes
    -----
    Python cannot wipe memory: a key is in the process's memory for as long as the process likes.

    Examples
    --------
    >>> SecretKey(bytes(32))
    SecretKey(...)
    """

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise KeyMalformed(f"a key has {KEY_BYTES} bytes, not {len(raw)}", wanted=KEY_BYTES)
        self._raw = bytes(raw)

    def __repr__(self) -> str:
        return "SecretKey(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretKey) and hmac.compare_digest(self._raw, other._raw)

    def __hash__(self) -> int:
        return hash((SecretKey, self._raw))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret key is not pickled")

    @classmethod
    def generate(cls) -> Self:
        """Draw a key from the operating system's random source."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a key from the file that `save` wrote.

        Raises
        ------
        KeyMalformed
            The file is missing, holds something else, or can be read by others than its owner.
        """
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii").strip()
            raw = bytes.fromhex(text)
        except (OSError, ValueError) as error:
            raise KeyMalformed(f"{path} holds no key", path=str(path)) from error
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeyMalformed(f"{path} can be read by others: chmod 600", path=str(path))
        return cls(raw)

    def save(self, path: Path) -> None:
        """Write the key, readable by the file's owner only; a key that stands there is never replaced.

        Raises
        ------
        KeyMalformed
            A file stands there.
        """
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(self._raw.hex() + "\n")
                file.flush()
                os.fsync(file.fileno())
            path.hardlink_to(temporary)
        except FileExistsError as error:
            raise KeyMalformed(f"{path} exists: a key is never replaced", path=str(path)) from error
        finally:
            temporary.unlink()
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def reveal(self) -> bytes:
        """Return the 32 bytes; whoever calls it answers for where they go."""
        return self._raw

    def derive(self, *, salt: bytes, info: bytes) -> SecretKey:
        """Return the key that HKDF-SHA256 makes of this one.

        Parameters
        ----------
        salt : bytes
            Of the thing that the key is for; not secret.
        info : bytes
            What the key is for: other info, independent key.
        """
        return SecretKey(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(self._raw))
