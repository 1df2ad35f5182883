"""Places at which a process ends itself by SIGKILL: at each of them once, over as many runs as it takes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

__all__ = ["Places"]


class Places:
    """The places that earlier processes died at, in a file.

    Parameters
    ----------
    file : Path
        A line each.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def met(self) -> list[str]:
        """Return the places, in the order of the deaths."""
        return self._file.read_text().splitlines() if self._file.exists() else []

    def at(self, place: str) -> None:
        """Die here, unless an earlier process did."""
        if place in self.met():
            return
        with self._file.open("a") as file:
            file.write(f"{place}\n")
            file.flush()
            os.fsync(file.fileno())
        os.kill(os.getpid(), signal.SIGKILL)
