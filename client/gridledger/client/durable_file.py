"""Writing a file so that a crash leaves the old or the new one, and never a part."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_durably"]


def write_durably(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a file, readable for its owner only, in one step that survives a loss of power.

    Parameters
    ----------
    path : Path
        The file; its folder exists. A name of its own beside it is used meanwhile, and is left behind by a
        crash only.
    data : bytes
        All of the new content.
    replace : bool, optional
        Whether the file may exist already.

    Raises
    ------
    FileExistsError
        When the file exists and is not to be replaced.
    OSError
        When a step fails; the file is the old or the new one.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", suffix=".tmp", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
        else:
            path.hardlink_to(temporary)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
