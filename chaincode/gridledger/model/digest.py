"""SHA-256 digests as a type, with tags that keep digests of different things apart.

A record's bytes name their schema, so `Digest.of(record.to_bytes())` can never be the digest of another kind
of record. What has no schema gets a tag:

    Digest.tagged(tag, part, ...) = SHA-256( tag 0x00, then for each part: its length in 8 bytes, big-endian;
    the part )

No two different lists of parts give the same input, whatever they hold.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from typing import Self

from gridledger.model.errors import ModelError
from gridledger.model.scalar import TextScalar

__all__ = ["DIGEST_BYTES", "SALT_BYTES", "Digest", "DigestTag", "check_salt"]

DIGEST_BYTES = 32
SALT_BYTES = 16
"""128 bits: nobody guesses a salted value by trying salts."""

_HEX = re.compile(r"[0-9a-f]{64}")
_LENGTH_BYTES = 8


class DigestTag(StrEnum):
    """What a tagged digest is of; each use has its own."""

    DELIVERY = "gridledger/delivery"
    """Content that an owner handed over."""

    EVIDENCE = "gridledger/evidence"
    """A document that somebody checked outside the chain."""

    SALTED = "gridledger/salted"
    """A value that could be guessed, with its salt."""


_SALTED_HEAD = DigestTag.SALTED.encode("ascii") + b"\x00" + SALT_BYTES.to_bytes(_LENGTH_BYTES, "big")


class Digest(TextScalar):
    """A SHA-256 digest; written as 64 lower-case hexadecimal digits.

    Parameters
    ----------
    raw : bytes of length 32
        The digest itself, not what it is of (for that, see `of`).

    Raises
    ------
    ModelError
        `raw` has another length.

    Examples
    --------
    >>> str(Digest.of(b""))[:16], Digest.parse(str(Digest.of(b"abc"))) == Digest.of(b"abc")
    ('e3b0c44298fc1c14', True)
    """

    __slots__ = ("_raw",)
    json_pattern = "^[0-9a-f]{64}$"

    def __init__(self, raw: bytes) -> None:
        if len(raw) != DIGEST_BYTES:
            raise ModelError({"": f"want {DIGEST_BYTES} bytes"}, subject="digest")
        self._raw = bytes(raw)
        self._text = self._raw.hex()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 64 lower-case hexadecimal digits; raises ModelError for any other text."""
        if _HEX.fullmatch(text) is None:
            raise ModelError({"": "want 64 lower-case hexadecimal digits"}, subject="digest")
        return cls(bytes.fromhex(text))

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return the SHA-256 of data."""
        return cls(hashlib.sha256(data).digest())

    @classmethod
    def tagged(cls, tag: DigestTag, *parts: bytes) -> Self:
        """Return the digest of a list of parts under a tag; the module says how."""
        state = hashlib.sha256(tag.encode("ascii") + b"\x00")
        for part in parts:
            state.update(len(part).to_bytes(_LENGTH_BYTES, "big"))
            state.update(part)
        return cls(state.digest())

    @classmethod
    def salted(cls, salt: bytes, data: bytes) -> Self:
        """Return the digest of a value that could be guessed without its salt.

        Parameters
        ----------
        salt : bytes of length 16
            Random, and kept where the value is kept.
        data : bytes
            The value.

        Raises
        ------
        ModelError
            The salt has another length.
        """
        # As `tagged` has it, in one piece: there is one of these for every record and row.
        length = len(data).to_bytes(_LENGTH_BYTES, "big")
        return cls(hashlib.sha256(_SALTED_HEAD + check_salt(salt) + length + data).digest())

    @property
    def raw(self) -> bytes:
        """The 32 bytes."""
        return self._raw

    def __bytes__(self) -> bytes:
        return self._raw


def check_salt(salt: bytes) -> bytes:
    """Return a salt of 16 bytes as it is; raises ModelError for another length."""
    if len(salt) != SALT_BYTES:
        raise ModelError({"salt": f"want {SALT_BYTES} bytes"}, subject="salt")
    return salt
