"""What cannot be opened or read: GL-CRY-010 to GL-CRY-017.

CryptoError             GL-CRY-001  exit 30
├─ KeyMalformed         GL-CRY-010  exit 31
├─ SealBroken           GL-CRY-011  exit 32
├─ WrappingBroken       GL-CRY-012  exit 33
├─ ScalarMalformed      GL-CRY-013  exit 34
├─ PointMalformed       GL-CRY-014  exit 35
│  └─ PointOutOfGroup   GL-CRY-015  exit 36
├─ RingMalformed        GL-CRY-016  exit 37
└─ AddressMalformed     GL-CRY-017  exit 38
"""

from __future__ import annotations

from gridledger.model.errors import CryptoError

__all__ = [
    "AddressMalformed",
    "KeyMalformed",
    "PointMalformed",
    "PointOutOfGroup",
    "RingMalformed",
    "ScalarMalformed",
    "SealBroken",
    "WrappingBroken",
]


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


class ScalarMalformed(CryptoError):
    """Bytes are no scalar below the group's order, or a number is out of the range of an index."""

    code = "GL-CRY-013"
    exit_code = 34


class PointMalformed(CryptoError):
    """Bytes are not the canonical encoding of a point of the curve."""

    code = "GL-CRY-014"
    exit_code = 35


class PointOutOfGroup(PointMalformed):
    """A point has a torsion part, or is the identity, where only the prime-order group will do."""

    code = "GL-CRY-015"
    exit_code = 36


class RingMalformed(CryptoError):
    """A ring has no key, too many, or one twice; or what is signed, or the signature, has another length."""

    code = "GL-CRY-016"
    exit_code = 37


class AddressMalformed(CryptoError):
    """A text is no address of a device."""

    code = "GL-CRY-017"
    exit_code = 38
