"""What HDFS refuses, by the Java classes that it names."""

from __future__ import annotations

from gridledger.lake.errors import (
    LakeError,
    LakeUnavailable,
    NameTaken,
    PayloadNotFound,
    StoreForbidden,
    StoreFull,
)

__all__ = ["translated"]

_FULL = {
    "DSQuotaExceededException",
    "NSQuotaExceededException",
    "QuotaByStorageTypeExceededException",
    "QuotaExceededException",
}
_FORBIDDEN = {"AccessControlException", "AuthorizationException", "InvalidToken", "SecurityException"}


def translated(java_class: str, path: str) -> LakeError:
    """Return the lake's error for an exception of HDFS.

    Parameters
    ----------
    java_class : str
        With or without its package; empty if it is not known.
    path : str
        What was called for.

    Notes
    -----
    What is not known here may pass with a DataNode given up or a NameNode that leaves safe mode: it is
    retriable.
    """
    name = java_class.rpartition(".")[2]
    if name == "FileNotFoundException":
        return PayloadNotFound(path)
    if name == "FileAlreadyExistsException":
        return NameTaken(f"{path} stands there", path=path)
    if name in _FULL:
        return StoreFull(f"no room for {path}: {name}", path=path)
    if name in _FORBIDDEN:
        return StoreForbidden(f"{path}: HDFS refuses this user: {name}", path=path)
    return LakeUnavailable(f"{path}: HDFS did not do it: {name or 'no reason given'}", path=path)
