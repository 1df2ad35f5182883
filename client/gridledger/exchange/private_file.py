"""Files that their owner alone may read, made before a database is opened in them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["make_private_file"]


def make_private_file(path: Path) -> None:
    """Make an empty file of mode 0600 where there is none, and the folders above it.

    Notes
    -----
    One that is there is not opened: closing it would drop the locks that SQLite holds on it for another
    connection of this process (POSIX locks are a process's), and a second process could write meanwhile.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
