"""Stores whose process ends at byte n of everything that is written, or is killed at a step."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from pathlib import Path

from gridledger.lake import LocalStore, NewFile

__all__ = ["KilledStore", "Stopped", "StoppingStore"]


class Stopped(BaseException):
    """The process is gone: nothing that it would still do reaches the store."""


class StoppingStore(LocalStore):
    """Stops after `left` bytes; deleting and publishing count as a byte, too."""

    def __init__(self, root: Path, *, left: int) -> None:
        super().__init__(root)
        self._left = left
        self._lock = threading.Lock()

    def spend(self, wanted: int) -> int:
        """Return how many bytes may still be written."""
        with self._lock:
            allowed = min(self._left, wanted)
            self._left -= allowed
            return allowed

    def stop(self) -> None:
        with self._lock:
            self._left = 0
        raise Stopped

    def begin(self, path: str) -> NewFile:
        return _StoppingFile(self, super().begin(path))

    def delete(self, path: str) -> None:
        if not self.spend(1):
            self.stop()
        super().delete(path)


class _StoppingFile(NewFile):
    """What was written of it stays in `temporary/`."""

    def __init__(self, store: StoppingStore, inner: NewFile) -> None:
        self._store = store
        self._inner = inner

    def write(self, data: bytes) -> None:
        allowed = self._store.spend(len(data))
        self._inner.write(data[:allowed])
        if allowed < len(data):
            self._leave()

    def finish(self) -> None:
        self._inner.finish()

    def commit(self) -> None:
        if not self._store.spend(1):
            self._leave()
        self._inner.commit()

    def _leave(self) -> None:
        self._inner.abandon()
        left = self._store.root / "temporary" / os.urandom(16).hex()
        left.parent.mkdir(exist_ok=True)
        left.write_bytes(b"cut short")
        self._store.stop()

    def abandon(self) -> None:
        self._inner.abandon()


class KilledStore(LocalStore):
    """Kills its process before the file of a number, from 0, is published."""

    def __init__(self, root: Path, *, step: int) -> None:
        super().__init__(root)
        self._step = step
        self._published = itertools.count()

    def begin(self, path: str) -> NewFile:
        return _KilledFile(self, super().begin(path))

    def pass_step(self) -> None:
        """Count a file, or end."""
        if next(self._published) == self._step:
            os.kill(os.getpid(), signal.SIGKILL)


class _KilledFile(NewFile):
    def __init__(self, store: KilledStore, inner: NewFile) -> None:
        self._store = store
        self._inner = inner

    def write(self, data: bytes) -> None:
        self._inner.write(data)

    def finish(self) -> None:
        self._inner.finish()

    def commit(self) -> None:
        self._store.pass_step()
        self._inner.commit()

    def abandon(self) -> None:
        self._inner.abandon()
