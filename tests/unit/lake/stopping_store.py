"""A store whose process is killed, or whose machine loses power, at byte n of everything that is written."""

from __future__ import annotations

import os
from pathlib import Path

from gridledger.lake import Appender, LocalStore

__all__ = ["Stopped", "StoppingStore"]


class Stopped(BaseException):
    """The process is gone: nothing that it would still do reaches the store."""


class StoppingStore(LocalStore):
    """Stops after `left` bytes; deleting and publishing count as a byte, too.

    With `loses_power` bytes that were not synced are lost; else they stay, as after kill -9.
    """

    def __init__(self, root: Path, *, left: int, loses_power: bool) -> None:
        super().__init__(root)
        self.left = left
        self.loses_power = loses_power
        self.open: list[_StoppingAppender] = []

    def spend(self, wanted: int) -> int:
        """Return how many bytes may still be written."""
        allowed = min(self.left, wanted)
        self.left -= allowed
        return allowed

    def stop(self) -> None:
        for appender in self.open:
            appender.die()
        self.open = []
        self.left = 0
        raise Stopped

    def append(self, path: str) -> Appender:
        if not self.left:
            self.stop()
        appender = _StoppingAppender(self, super().append(path), self.root / path)
        self.open.append(appender)
        return appender

    def publish(self, path: str, data: bytes) -> None:
        allowed = self.spend(len(data) + 1)
        if allowed == len(data) + 1:
            super().publish(path, data)
            return
        temporary = self.root / "temporary" / os.urandom(16).hex()
        temporary.parent.mkdir(exist_ok=True)
        temporary.write_bytes(data[:allowed])
        self.stop()

    def delete(self, path: str) -> None:
        if not self.spend(1):
            self.stop()
        super().delete(path)


class _StoppingAppender(Appender):
    def __init__(self, store: StoppingStore, inner: Appender, path: Path) -> None:
        self._store = store
        self._inner = inner
        self._path = path
        self._synced = inner.position
        self._dead = False
        self.position = inner.position

    def write(self, data: bytes) -> None:
        allowed = self._store.spend(len(data))
        self._inner.write(data[:allowed])
        if allowed < len(data):
            self._store.stop()
        self.position = self._inner.position

    def sync(self) -> None:
        if not self._store.left:
            self._store.stop()
        self._inner.sync()
        self._synced = self._inner.position

    def close(self) -> None:
        self.sync()
        self._inner.close()
        self._store.open.remove(self)

    def abandon(self) -> None:
        if not self._dead:
            self._inner.abandon()

    def die(self) -> None:
        self._dead = True
        self._inner.close()
        if self._store.loses_power:
            os.truncate(self._path, self._synced)
