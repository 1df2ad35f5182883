"""Files that cannot tear: written under a temporary name, flushed to the disk, then renamed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["write_file"]


def write_file(
    path: Path, data: bytes, *, mode: int = 0o644, durable: bool = True, replace: bool = True
) -> None:
    """Write a file in one step: after a crash at any moment it is the old or the new one.

    Parameters
    ----------
    path : Path
        The file; its folder is made where it is missing. A name of its own beside it is used meanwhile, and
        is left behind by a crash only.
    data : bytes
        The whole content.
    mode : int, default 0o644
        Permission bits from the first byte on: a key is at no moment readable by others.
    durable : bool, default True
        Flush to the disk before the rename. False where the folder around is renamed when it is complete.
    replace : bool, default True
        Whether the file may exist already.

    Raises
    ------
    FileExistsError
        If the file exists and is not to be replaced.
    OSError
        If a step fails; the file is the old or the new one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        if replace:
            temporary.replace(path)
        else:
            path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
