"""What cannot be opened or read: GL-CRY-010 to GL-CRY-012.

CryptoError             GL-CRY-001  exit 30
├─ KeyMalformed         GL-CRY-010  exit 31
├─ SealBroken           GL-CRY-011  exit 32
└─ WrappingBroken       GL-CRY-012  exit 33
"""

from __future__ import annotations

from gridledger.model.errors import CryptoError

__all__ = ["KeyMalformed", "SealBroken", "WrappingBroken"]


class KeyMalformed(CryptoError):
    """Bytes or a file hold no key of the wanted kind."""

    code = "GL-CRY-010"
    exit_code = 31


class SealBroken(CryptoError):
    """A seal does not open: other key, other associated data, or changed bytes; nobody can tell which."""

    code = "GL-CRY-011"
    exit_code = 32


class WrappingBroken(CryptoError):
    """A wrapped key does not open: another recipient, another context, or changed bytes."""

    code = "GL-CRY-012"
    exit_code = 33
