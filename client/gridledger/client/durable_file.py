"""Writing a file so that a crash leaves the old or the new one, and never a part."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["write_durably"]


def write_durably(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file in one step that survives a loss of power.

    Parameters
    ----------
    path : Path
        The file; its folder exists. A name beside it, with ``.tmp`` added, is used meanwhile.
    data : bytes
        All of the new content.
    mode : int, optional
        Permissions, from the moment of creation.

    Raises
    ------
    OSError
        When a step fails; the file is the old or the new one.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    # A leftover of a crash may have other permissions: it is not written into.
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
