"""One command at a time works on a folder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridledger.host.errors import FolderBusy

__all__ = ["folder_lock"]

_POLL_SECONDS = 0.05


@contextmanager
def folder_lock(directory: Path, *, seconds: float = 120.0) -> Iterator[None]:
    """Hold the folder's lock; the system releases it if the holder dies.

    Parameters
    ----------
    directory : Path
        The folder that belongs to the processes.
    seconds : float, default 120
        How long to wait for another holder.

    Raises
    ------
    FolderBusy
        If it is not free by then.
    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise FolderBusy(directory) from None
                time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)
