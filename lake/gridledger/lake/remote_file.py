"""A file on its way to a remote store: sent while it is written, sent again where that failed."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Protocol

from gridledger.lake.errors import LakeError, LakeUnavailable, NameTaken, PayloadNotFound
from gridledger.lake.paths import TEMPORARY
from gridledger.lake.patience import Patience
from gridledger.lake.store import NewFile

__all__ = ["FileSystem", "RemoteFile"]

_BEGIN_BYTES = 4 << 20
"""A file of less is sent when it is complete."""
_SEND_BYTES = 64 << 10
"""Less is put together first: a call costs more than the copy. Most frames are longer."""
_WAKE_BYTES = 1 << 20
"""So much is there when the thread that sends is woken: at each frame that would cost more than sending."""
_STALLED_S = 12.0
"""Sending that does not get on for so long is begun anew: hdfs-native may wait for a lost DataNode."""


class FileSystem(Protocol):
    """What a remote file is written with; paths are the lake's.

    Calls raise errors of the lake: PayloadNotFound, NameTaken, StoreFull, LakeUnavailable.
    """

    @property
    def deadline_s(self) -> float:
        """How long a call may take, and a file's sending without getting on."""

    def submit(self, work: Callable[[], None]) -> Future[None]:
        """Begin a call in a thread of its own."""

    def send(self, path: str, pieces: Iterator[bytes]) -> None:
        """Write a file from pieces and close it, once."""

    def rename(self, source: str, target: str) -> None:
        """Rename a file to a name that does not exist, once; the target's folder is made."""

    def exists(self, path: str) -> bool:
        """Tell whether there is a file; tried again until the deadline."""

    def delete(self, path: str) -> None:
        """Delete a file, if there is one; tried again until the deadline."""


class RemoteFile(NewFile):
    """A file that is sent to `temporary/` and renamed.

    Parameters
    ----------
    system : FileSystem
        The store.
    path : str
        The name under which it is published.

    Notes
    -----
    What was written is held until the file is published: a DataNode that is lost costs a second sending,
    which HDFS directs to others as soon as it has noticed.
    """

    def __init__(self, system: FileSystem, path: str) -> None:
        self._system = system
        self._path = path
        self._pieces: list[bytes] = []
        self._held = 0
        self._waiting = 0
        self._changed = threading.Condition()
        self._is_whole = False
        self._is_dropped = False
        self._taken = 0
        self._temporary = ""
        self._sending: Future[None] | None = None
        self._is_finished = False

    def write(self, data: bytes) -> None:
        with self._changed:
            self._pieces.append(data)
            self._held += len(data)
            self._waiting += len(data)
            if self._waiting >= _WAKE_BYTES:
                self._waiting = 0
                self._changed.notify()
        if self._sending is None and self._held >= _BEGIN_BYTES:
            self._send()

    def finish(self) -> None:
        if self._is_finished:
            return
        with self._changed:
            self._is_whole = True
            self._changed.notify()
        patience: Patience | None = None
        while True:
            if self._sending is None:
                self._send()
            try:
                self._wait()
            except LakeError as error:
                # The deadline counts from the first failure: a large file may take longer.
                patience = patience or Patience(self._system.deadline_s)
                if not error.retriable or not patience.pause():
                    self.abandon()
                    raise
                self._remove()
                self._sending = None
            else:
                self._is_finished = True
                return

    def commit(self) -> None:
        try:
            self.finish()
            self._rename()
        except BaseException:
            self.abandon()
            raise
        self._pieces, self._temporary = [], ""

    def abandon(self) -> None:
        with self._changed:
            if self._is_dropped:
                return
            self._is_dropped = True
            self._changed.notify()
        self._pieces = []
        if self._temporary:
            self._remove()

    def _send(self) -> None:
        self._temporary = f"{TEMPORARY}/{secrets.token_hex(16)}"
        self._taken = 0
        place = self._temporary
        self._sending = self._system.submit(lambda: self._system.send(place, self._feed(place)))

    def _feed(self, place: str) -> Iterator[bytes]:
        """Yield what was written, and wait for more until the file is whole."""
        number = 0
        while True:
            with self._changed:
                while not (self._is_dropped or self._is_whole or len(self._pieces) > number):
                    self._changed.wait()
                if self._is_dropped or place != self._temporary:
                    raise LakeUnavailable(f"{self._path} was given up", path=self._path)
                pieces = self._pieces[number:]
                whole = self._is_whole
            number += len(pieces)
            held: list[bytes] = []
            size = 0
            for piece in pieces:
                held.append(piece)
                size += len(piece)
                if size >= _SEND_BYTES:
                    self._taken += 1
                    yield b"".join(held)
                    held, size = [], 0
            if held:
                self._taken += 1
                yield b"".join(held)
            if whole:
                return

    def _wait(self) -> None:
        """Wait until it was sent, as long as that gets on."""
        sending = self._sending
        limit = min(_STALLED_S, self._system.deadline_s)
        while sending is not None:
            before = self._taken
            try:
                sending.result(limit)
            except TimeoutError as error:
                if self._taken == before:
                    message = f"{self._path}: no progress within {limit:g} s"
                    raise LakeUnavailable(message, path=self._path) from error
            else:
                return

    def _rename(self) -> None:
        """Publish; where no answer came, look: the temporary name is ours alone."""
        patience = Patience(self._system.deadline_s)
        while True:
            try:
                return self._system.rename(self._temporary, self._path)
            except PayloadNotFound:
                if self._system.exists(self._path):
                    return None
                raise
            except NameTaken:
                if not self._system.exists(self._temporary):
                    return None
                raise
            except LakeUnavailable:
                if not patience.pause():
                    raise

    def _remove(self) -> None:
        place, self._temporary = self._temporary, ""

        def remove() -> None:
            # What cannot be deleted now is deleted by pruning.
            try:
                self._system.delete(place)
            except LakeError:
                return

        removing = self._system.submit(remove)
        if self._is_dropped:
            try:
                removing.result(self._system.deadline_s)
            except TimeoutError:
                return
