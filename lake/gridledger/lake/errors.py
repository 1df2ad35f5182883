"""What a lake refuses or finds broken: GL-LAK-002 to GL-LAK-019.

LakeError             GL-LAK-001  exit 60
├─ PayloadNotFound    GL-LAK-002  exit 61
├─ PayloadCorrupt     GL-LAK-003  exit 62
├─ NotGranted         GL-LAK-004  exit 63
├─ LakeUnavailable    GL-LAK-005  exit 64  retriable
├─ StoreForbidden     GL-LAK-006  exit 65
├─ NameTaken          GL-LAK-007  exit 66
├─ LakeUnknown        GL-LAK-008  exit 67
├─ PutTooLong         GL-LAK-009  exit 68  retriable
├─ StoreFull          GL-LAK-010  exit 69
├─ Malformed          GL-LAK-011  exit 62
├─ ClusteringFailed   GL-LAK-012  exit 64  retriable
└─ BackupDiffers      GL-LAK-018  exit 62
"""

from __future__ import annotations

from gridledger.model.errors import LakeError as LakeError

__all__ = [
    "BackupDiffers",
    "ClusteringFailed",
    "LakeError",
    "LakeUnavailable",
    "LakeUnknown",
    "Malformed",
    "NameTaken",
    "NotGranted",
    "PayloadCorrupt",
    "PayloadNotFound",
    "PutTooLong",
    "StoreForbidden",
    "StoreFull",
]


class PayloadNotFound(LakeError):
    """There is no such file, dataset, version or block."""

    code = "GL-LAK-002"
    exit_code = 61

    def __init__(self, what: str) -> None:
        super().__init__(f"not found: {what}", what=what)


class PayloadCorrupt(LakeError):
    """Bytes are not those that were stored.

    Parameters
    ----------
    path : str
        File of the store.
    problem : str
        What is wrong with it.
    offset : int
        Where in the file the wrong part begins.
    expected, actual : str
        Digests or lengths, where there are two to compare.
    """

    code = "GL-LAK-003"
    exit_code = 62

    def __init__(
        self, path: str, problem: str, *, offset: int = 0, expected: str = "", actual: str = ""
    ) -> None:
        super().__init__(
            f"{path} at {offset}: {problem}", path=path, offset=offset, expected=expected, actual=actual
        )
        self.path = path
        self.problem = problem
        self.offset = offset


class NotGranted(LakeError):
    """The key at hand does not open this dataset."""

    code = "GL-LAK-004"
    exit_code = 63


class LakeUnavailable(LakeError):
    """The store cannot be reached, or did not answer before the deadline."""

    code = "GL-LAK-005"
    exit_code = 64
    retriable = True


class StoreForbidden(LakeError):
    """The store does not let this user do it."""

    code = "GL-LAK-006"
    exit_code = 65


class NameTaken(LakeError):
    """A file stands under this name, and nothing is ever replaced."""

    code = "GL-LAK-007"
    exit_code = 66


class LakeUnknown(LakeError):
    """The place holds no lake, or one of a format that this release does not read."""

    code = "GL-LAK-008"
    exit_code = 67


class PutTooLong(LakeError):
    """Blocks that a put counted on were retired while it ran; put again."""

    code = "GL-LAK-009"
    exit_code = 68
    retriable = True


class StoreFull(LakeError):
    """The store has no room for what is written."""

    code = "GL-LAK-010"
    exit_code = 69


class Malformed(LakeError):
    """Bytes are not in the form that LAYOUT.md gives; who knows the file raises PayloadCorrupt from it."""

    code = "GL-LAK-011"
    exit_code = 62


class ClusteringFailed(LakeError):
    """Spark cannot be reached, lost its executors, or gave a task up; the index is as it was."""

    code = "GL-LAK-012"
    exit_code = 64
    retriable = True


class BackupDiffers(LakeError):
    """A copy of a lake is of another lake, or does not read as it was written."""

    code = "GL-LAK-018"
    exit_code = 62

    def __init__(self, path: str, *, why: str) -> None:
        super().__init__(f"{path}: {why}", path=path, why=why)
